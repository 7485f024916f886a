// The Node binaries to measure, by path, by line or by default.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fail, projectRoot, run } from '../scripts/support.mjs';

const DEFAULT_LINES = ['20', '24', '26'];
const binaryPackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const binaryOf = (line) =>
  path.join(projectRoot, '.cache/nodes', line, 'node_modules', binaryPackage, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Returns the binary of a line. scripts/nodes.mjs installs it, and its smoke program checks that the package works
 * there.
 */
function installed(line) {
  const binary = binaryOf(line);
  if (!existsSync(binary) && run(process.execPath, ['scripts/nodes.mjs', '--smoke', line]) !== 0) {
    fail(`bench: Node ${line} could not be installed.`);
  }
  return binary;
}

/**
 * @param {string[]} given paths or lines
 * @param {boolean} quick
 */
export function findNodes(given, quick) {
  const named = given.length > 0 ? given : quick ? [process.execPath] : DEFAULT_LINES;
  return named.map((name) => {
    const binary = /^\d+$/.test(name) ? installed(name) : name;
    const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(1);
    return version ? { binary, version } : fail(`bench: ${name} is no Node.`);
  });
}
