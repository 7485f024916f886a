// Installs the development dependencies of package-lock.json, if they are missing or belong to another lock.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail, hostTarget, projectRoot, runNpm } from './support.mjs';

/** Changes whenever the installed packages may differ from the manifest and the lock. */
function dependencyFingerprint() {
  const read = (name) => readFileSync(path.join(projectRoot, name), 'utf8');
  const { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides } = JSON.parse(read('package.json'));
  const wanted = { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides };
  // Several dependencies have a binary per platform: a folder shared between two systems needs a new installation.
  return createHash('sha256').update(JSON.stringify(wanted)).update(read('package-lock.json')).update(hostTarget()).digest('hex');
}

export function installDependencies() {
  const stamp = path.join(projectRoot, 'node_modules/.holdfast-setup');
  const wanted = dependencyFingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('setup: installing development dependencies (npm ci)');
  // `npm ci` also fails if package.json and its lock disagree: this is the check that the lock is current.
  const status = runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) fail('setup: npm ci failed; its message is above.');
  writeFileSync(stamp, wanted);
}
