// The packages of examples/ that have a lock file of their own: copied to .cache, with what they need and the packed
// holdfast of this checkout.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ownBinary, packMain, packPlatform } from './pack.mjs';
import { TARGETS } from './prebuilt/targets.mjs';
import { fail, projectRoot, run, runNpm } from './support.mjs';

const isSource = (file) => !/[\\/](?:node_modules|dist|\.next)$/.test(file);

/** Copies a package to a folder. What is in `replaced` is removed first: node_modules and all else stays. */
export function copyExample(name, folder, replaced) {
  mkdirSync(folder, { recursive: true });
  for (const each of replaced) rmSync(path.join(folder, each), { recursive: true, force: true });
  cpSync(path.join(projectRoot, 'examples', name), folder, { recursive: true, filter: isSource });
}

/** Installs the dependencies of a package, unless those of its lock file are there. */
export function installLocked(label, folder) {
  const lock = createHash('sha256').update(readFileSync(path.join(folder, 'package-lock.json'))).digest('hex');
  const stamp = path.join(folder, 'node_modules/.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  const status = runNpm(['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  if (status !== 0) fail(`${label}: npm ci failed; its message is above.`);
  writeFileSync(stamp, lock);
}

/** Packs holdfast and the binary of this machine, and unpacks them into node_modules. npm would also write to package.json. */
export function installHoldfast(label, folders) {
  const target = TARGETS.find((each) => ownBinary(each));
  const destination = mkdtempSync(path.join(folders[0], 'packed-'));
  try {
    for (const { manifest, tarball } of [packMain(destination), packPlatform(destination, target, ownBinary(target))]) {
      for (const folder of folders) {
        const installed = path.join(folder, 'node_modules', manifest.name);
        rmSync(installed, { recursive: true, force: true });
        mkdirSync(installed, { recursive: true });
        if (run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]) !== 0) fail(`${label}: ${tarball} cannot be unpacked.`);
      }
    }
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
}

/** Runs a step. Ends the process when it fails. */
export function step(label, what, program, args, options) {
  const started = performance.now();
  if (run(program, args, options) !== 0) fail(`${label}: ${what} failed; its message is above.`);
  console.log(`${label}: ${what}, ${Math.round((performance.now() - started) / 1000)} s`);
}
