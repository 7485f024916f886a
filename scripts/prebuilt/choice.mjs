// npm's choice for every system: the platform package that the npm of this system would install there.

import { mkdirSync, mkdtempSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { execute } from './execute.mjs';
import { thisNode } from './runtimes.mjs';
import { TARGETS } from './targets.mjs';

/** Systems without a binary: npm must install none there, without an error. */
const STRANGERS = [
  { os: 'linux', cpu: 'ia32', libc: 'glibc' },
  { os: 'linux', cpu: 'riscv64', libc: 'glibc' },
  { os: 'win32', cpu: 'arm64' },
  { os: 'freebsd', cpu: 'x64' },
];

/**
 * Compares npm's choice with the expected one.
 *
 * @param {Awaited<ReturnType<typeof import('./registry.mjs').startRegistry>>} registry
 * @param {string} scratch
 * @returns {Promise<string[]>} the wrong choices
 */
export async function choiceProblems(registry, scratch) {
  const problems = [];
  const runtime = thisNode('');
  for (const { name, os, cpu, libc } of [...TARGETS, ...STRANGERS]) {
    const folder = mkdtempSync(path.join(scratch, 'choice-'));
    const consumer = path.join(folder, 'empty');
    mkdirSync(consumer);
    const system = [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])];
    const before = registry.fetched.length;
    const ended = await execute(runtime, [runtime.program, runtime.npm, 'install', 'holdfast', '--no-audit', '--no-fund', ...system], {
      cwd: consumer,
      env: { ...process.env, npm_config_registry: registry.url, npm_config_fetch_retries: '0', npm_config_cache: path.join(folder, 'cache'), npm_config_loglevel: 'error' },
    });
    if (ended.status !== 0) problems.push(`for ${system.join(' ')} npm failed:\n${ended.stderr}`);
    const scope = path.join(consumer, 'node_modules/@holdfast');
    const chosen = existsSync(scope) ? readdirSync(scope) : [];
    const wanted = name ? [name] : [];
    if (chosen.join() !== wanted.join()) problems.push(`for ${system.join(' ')} npm chose ${chosen.join(', ') || 'nothing'}`);
    if (registry.fetched.length - before !== 1 + wanted.length) problems.push(`for ${system.join(' ')} npm fetched ${registry.fetched.slice(before).join(', ')}`);
  }
  return problems;
}
