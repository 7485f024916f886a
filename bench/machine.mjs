// Describes the machine and the run for the report.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { projectRoot } from '../scripts/support.mjs';

function firstLine(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Returns the measured commit, and whether files differ from it. */
function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'core', 'lib', 'bench', 'Cargo.toml', 'Cargo.lock');
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return undefined;
  }
}

/** The load average of one minute: the competition for the processors. */
export const load = () => os.loadavg()[0];

/** Describes a priority other than the ordinary one. */
function priority() {
  // Fields 40 and 41 of proc_pid_stat(5), counted from the end of the name, which may contain spaces.
  const fields = firstLine('/proc/self/stat')?.split(') ').pop().split(' ') ?? [];
  const [level, policy] = [fields[37], { 1: 'SCHED_FIFO', 2: 'SCHED_RR', 3: 'SCHED_BATCH' }[fields[38]]];
  if (policy) return level === '0' ? policy : `${policy} ${level}`;
  return os.getPriority() === 0 ? undefined : `nice ${os.getPriority()}`;
}

/**
 * Returns whether a virtual machine returns its free pages to the host: the feature VIRTIO_BALLOON_F_REPORTING of a
 * balloon (device 5 of the virtio specification).
 */
function returnsFreePages() {
  const devices = '/sys/bus/virtio/devices';
  try {
    const balloon = readdirSync(devices).find((name) => firstLine(`${devices}/${name}/device`) === '0x0005');
    return balloon !== undefined && firstLine(`${devices}/${balloon}/features`)?.[5] === '1';
  } catch {
    return false;
  }
}

/** Describes the properties that are constant during the run. */
export function describeMachine() {
  const cpus = os.cpus();
  return {
    processor: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    virtual: / hypervisor\b/.test(firstLine('/proc/cpuinfo') ?? ''),
    kernel: `${os.type()} ${os.release()}`,
    hugePages: /\[(\w+)\]/.exec(firstLine('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1],
    returnsFreePages: returnsFreePages(),
    umask: process.umask().toString(8).padStart(4, '0'),
    threads: process.env.UV_THREADPOOL_SIZE ?? '4 (default)',
    priority: priority(),
    user: process.getuid?.() === 0 ? 'root' : 'an ordinary user',
    commit: commit(),
  };
}
