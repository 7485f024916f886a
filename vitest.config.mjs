import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const packageRoot = fileURLToPath(new URL('.', import.meta.url)).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export default defineConfig({
  test: {
    // `npm run test:race` sets the variable: a long spec has no short form.
    include: [`__test__/**/*.${process.env.HOLDFAST_RACE_MS ? '{spec,long}' : 'spec'}.ts`],
    // Worker threads cannot change the umask or the working directory, and would share them; processes have their own.
    pool: 'forks',
    // One more than processors, since half the suite waits for child processes and disks. More than four at a time blur
    // the specs that measure an answer.
    maxWorkers: Math.min(4, availableParallelism() + 1),
    // Far above what any test takes: many start child processes under strace, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/vitest-reporter.mjs'],
    server: {
      deps: {
        // The package is loaded by Node itself, as a user's program loads it, and not transformed by vite.
        external: [new RegExp(`^${packageRoot}(?:index\\.m?js|dist/.*)$`)],
      },
    },
  },
});
