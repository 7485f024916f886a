// The vitest configuration inside the installed package, in node_modules: vitest transforms the package's specs, and
// Node itself loads the package.

import { defineConfig } from 'vitest/config';

const seconds = Number(process.env.HOLDFAST_SUITE_TIMEOUT ?? 60);

export default defineConfig({
  test: {
    include: ['__test__/**/*.spec.ts'],
    exclude: (process.env.HOLDFAST_SUITE_WITHOUT ?? '').split(',').filter(Boolean),
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 2000,
    reporters: ['default', './scripts/vitest-reporter.mjs'],
    server: { deps: { inline: [/[/\\]__test__[/\\]/], external: [/[/\\]holdfast[/\\](?:index\.m?js|dist[/\\].*)$/] } },
  },
});
