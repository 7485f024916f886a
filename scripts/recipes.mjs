// Runs the recipes of docs/recipes/ with the real frameworks: copies examples/recipes/ to .cache, installs what it needs
// and the packed holdfast of this checkout, compiles it, and runs its tests with HTTP requests on loopback.
//
//   npm run test:recipes
//   npm run test:recipes -- --next     also builds and starts a whole Next, 300 MB; otherwise its route handler alone is served

import { cpSync } from 'node:fs';
import path from 'node:path';
import { copyExample, installHoldfast, installLocked, step as runStep } from './example-package.mjs';
import { projectRoot, run, tools } from './support.mjs';

const withNext = process.argv.includes('--next');
const folder = path.join(projectRoot, '.cache/recipes');
const nextFolder = path.join(folder, 'next');
const step = (...args) => runStep('recipes', ...args);

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
copyExample('recipes', folder, ['src', 'test', 'dist', 'next/app', 'next/dist']);
cpSync(path.join(folder, 'src/file-response.ts'), path.join(nextFolder, 'file-response.ts'));

const folders = withNext ? [folder, nextFolder] : [folder];
for (const each of folders) installLocked('recipes', each);
installHoldfast('recipes', folders);

const inFolder = { cwd: folder };
const tsc = path.join(folder, 'node_modules/typescript/bin/tsc');
step('compiled', process.execPath, [tsc, '-p', '.'], inFolder);
step('compiled the route of Next', process.execPath, [tsc, '-p', 'tsconfig.next.json'], inFolder);
if (withNext) step('built Next', process.execPath, ['node_modules/next/dist/bin/next', 'build'], { cwd: nextFolder, env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
step('vitest', process.execPath, [tools.vitest, 'run'], { ...inFolder, env: { ...process.env, RECIPES_NEXT: withNext ? 'whole' : 'route' } });
step('jest', process.execPath, ['node_modules/jest/bin/jest.js', '--ci'], inFolder);
