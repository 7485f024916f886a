// The long form of the hostile matrix: every verb and option in every environment of
// __test__/system/environment/hostile.spec.ts, on the file system of temporary files. Needs root and a few minutes;
// `npm test` runs a fourth of it, mostly in memory.
//
//   npm run test:hostile                      all of it
//   npm run test:hostile -- -t 'umask 077'    arguments for vitest

import path from 'node:path';
import { projectRoot, run } from './support.mjs';

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { runVitest } = await import('./run-vitest.mjs');

process.env.HOLDFAST_HOSTILE = 'all';
const { ok, passed, failed } = runVitest({ args: [path.join(projectRoot, '__test__/system/environment/hostile.spec.ts'), ...process.argv.slice(2)] });
console.log(`hostile: ${passed} passed, ${failed} failed`);
if (!ok) process.exitCode = 1;
