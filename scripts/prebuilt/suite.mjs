// Runs the vitest suite inside an installed package. Copies the specs into node_modules/holdfast, so that their
// `../index.mjs` is the installed file, and the binary is the package manager's choice.

import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';
import { execute, outside } from './execute.mjs';
import { suiteDependencies } from './runtimes.mjs';

/** Specs of the checkout: the benchmark, the examples in the documentation, these scripts. */
const OF_THE_CHECKOUT = ['bench', 'docs', 'prebuilt', 'setup'];

const installedAt = (consumer) => path.posix.join(consumer, 'node_modules/holdfast');

/** Copies specs, configuration and development dependencies to the installed package. */
export function placeSuite(runtime, folder, consumer) {
  const at = (name) => path.join(outside(runtime, installedAt(consumer)), name);
  mkdirSync(at('scripts'));
  for (const name of ['__test__', 'examples']) cpSync(path.join(projectRoot, name), at(name), { recursive: true });
  copyFileSync(path.join(projectRoot, 'scripts/vitest-reporter.mjs'), at('scripts/vitest-reporter.mjs'));
  copyFileSync(path.join(projectRoot, 'scripts/prebuilt/vitest.installed.mjs'), at('vitest.config.mjs'));

  const { devDependencies } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
  const modules = path.join(suiteDependencies(runtime, [`vitest@${devDependencies.vitest}`]), 'node_modules');
  const shared = outside(runtime, path.posix.join(folder, 'node_modules'));
  if (runtime.root) cpSync(modules, shared, { recursive: true, verbatimSymlinks: true });
  else symlinkSync(modules, shared);
}

/**
 * Runs the suite in an installed package.
 *
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @param {string} folder above the consumer's
 * @param {string} consumer
 * @param {{ without?: string[], only?: string[], except?: string[], timeout?: number }} options specs to exclude, or to
 *   run alone; tests to exclude, by a part of their name; seconds per test
 * @returns {Promise<{ ok: boolean, passed: number, failed: number, skipped: number, output: string }>}
 */
export async function runSuite(runtime, folder, consumer, env, { without = [], only = [], except = [], timeout = 60 } = {}) {
  const shared = path.posix.join(folder, 'node_modules');
  const totals = path.posix.join(folder, 'totals.json');
  rmSync(outside(runtime, totals), { force: true });
  const excluded = [...OF_THE_CHECKOUT, ...without].map((name) => `**/${name}.spec.ts`);
  const pattern = except.length > 0 ? ['--testNamePattern', `^(?!.*(${except.join('|')}))`] : [];
  const ended = await execute(runtime, [runtime.program, `${shared}/vitest/vitest.mjs`, 'run', ...pattern, ...only], {
    cwd: installedAt(consumer),
    env: {
      ...env,
      // Specs start `node` and the system's tools.
      PATH: `${env.PATH}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOLDFAST_TEST_TOTALS: totals,
      HOLDFAST_SUITE_WITHOUT: excluded.join(),
      HOLDFAST_SUITE_TIMEOUT: String(timeout),
    },
  });
  const output = `${ended.stdout}${ended.stderr}`;
  try {
    return { ok: ended.status === 0, output, ...JSON.parse(readFileSync(outside(runtime, totals), 'utf8')) };
  } catch {
    // The run crashed before its end.
    return { ok: false, passed: 0, failed: 1, skipped: 0, output };
  }
}
