// Compiles lib/ to dist/ with tsc, if dist/ is missing or older than the sources.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installDependencies } from './dependencies.mjs';
import { fail, projectRoot, tools } from './support.mjs';

const DIST = path.join(projectRoot, 'dist');
/** Fingerprint of the sources of dist/. `files` in package.json excludes it from the package. */
const STAMP = path.join(DIST, '.sources');

function sourcesFingerprint() {
  const hash = createHash('sha256');
  const sources = readdirSync(path.join(projectRoot, 'lib'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(projectRoot, path.join(entry.parentPath ?? entry.path, entry.name)));
  const { devDependencies } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
  hash.update(devDependencies.typescript);
  for (const file of sources.sort()) hash.update(`\0${file}\0`).update(readFileSync(path.join(projectRoot, file)));
  return hash.digest('hex');
}

/** Compiles into a separate folder and renames it, so that a process that loads dist/ meanwhile finds all files. */
export function compileLibrary() {
  const wanted = sourcesFingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  if (!existsSync(tools.typescript7)) installDependencies();
  const output = `${DIST}.${process.pid}.tmp`;
  const old = `${DIST}.${process.pid}.old`;
  try {
    const args = [tools.typescript7, '-p', 'lib/tsconfig.json', '--outDir', output];
    const { status } = spawnSync(process.execPath, args, { cwd: projectRoot, stdio: 'inherit' });
    if (status !== 0) fail('setup: tsc failed; its messages are above.');
    // npm does this when it installs the package; in a checkout the command runs through links.
    chmodSync(path.join(output, 'cli/main.js'), 0o755);
    writeFileSync(path.join(output, '.sources'), wanted);
    if (existsSync(DIST)) renameSync(DIST, old);
    renameSync(output, DIST);
  } finally {
    rmSync(output, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
  console.log('setup: dist is compiled');
}
