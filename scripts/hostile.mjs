// The long form of the hostile matrix: every verb and option in every environment of
// __test__/system/environment/hostile.spec.ts, on the file system of temporary files, and every call of the adapters
// with every path of __test__/fs-safe/fs-safe-absolute-links.spec.ts. Needs root and a few minutes; `npm test` runs a
// fourth of it, mostly in memory.
//
//   npm run test:hostile                      all of it
//   npm run test:hostile -- -t 'umask 077'    arguments for vitest

import path from 'node:path';
import { projectRoot, run } from './support.mjs';

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { runVitest } = await import('./run-vitest.mjs');

process.env.HOLDFAST_HOSTILE = 'all';
const specs = ['system/environment/hostile.spec.ts', 'fs-safe/fs-safe-absolute-links.spec.ts'].map((spec) => path.join(projectRoot, '__test__', spec));
const { ok, passed, failed } = runVitest({ args: [...specs, ...process.argv.slice(2)] });
console.log(`hostile: ${passed} passed, ${failed} failed`);
if (!ok) process.exitCode = 1;
