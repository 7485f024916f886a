// Requirements of a spec. A spec whose requirements are not met is skipped, with the reason in its name, which the
// reporter prints. If CI is set, a missing requirement is an error: no spec is skipped silently.
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

const tools = {
  strace: 'strace',
  setpriv: 'setpriv',
  gcc: 'gcc',
  unshare: 'unshare',
  mount: 'mount',
  setfacl: 'setfacl',
  getfacl: 'getfacl',
  'mkfs.ext4': 'mkfs.ext4',
  'mkfs.xfs': 'mkfs.xfs',
  'mkfs.btrfs': 'mkfs.btrfs',
} as const;

/** By their numbers in capability.h. Docker grants those of `root` to root as well. */
const capabilities = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_MKNOD: 27,
} as const;

type Capability = keyof typeof capabilities;

export type Need = keyof typeof tools | Capability | 'linux' | 'root' | 'a root of no user namespace' | 'loop devices' | '/dev/fuse' | 'kernel switches';

/** Returns the full path of a tool. Also searches /usr/sbin, which may be missing in the user's PATH. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin'];
  return folders.map((folder) => join(folder, name)).find((file) => accessible(file, constants.X_OK));
}

function accessible(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

function isRoot(): boolean {
  return process.platform === 'linux' && process.geteuid?.() === 0;
}

/** Adds implied requirements: root in a container may have fewer rights than root. */
function completed(wanted: Need[]): Need[] {
  if (!wanted.includes('root') || !isRoot()) return wanted;
  const also: Need[] = ['a root of no user namespace', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_MKNOD'];
  if (wanted.includes('unshare') || wanted.includes('mount')) also.push('CAP_SYS_ADMIN');
  // strace attaches to processes of other users.
  if (wanted.includes('strace') && wanted.includes('setpriv')) also.push('CAP_SYS_PTRACE');
  return [...wanted, ...also];
}

function hasCapability(capability: Capability): boolean {
  const [, effective = '0'] = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${effective}`) >> BigInt(capabilities[capability])) & 1n) === 1n;
}

function isMet(need: Need): boolean {
  if (need in capabilities) return hasCapability(need as Capability);
  switch (need) {
    case 'linux':
      return process.platform === 'linux';
    case 'root':
      return isRoot();
    case 'a root of no user namespace':
      return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
    case 'loop devices':
      return accessible('/dev/loop-control', constants.R_OK | constants.W_OK);
    case 'kernel switches':
      return accessible('/proc/sys/fs/protected_symlinks', constants.R_OK | constants.W_OK);
    case '/dev/fuse':
      return accessible('/dev/fuse', constants.R_OK | constants.W_OK);
    default:
      return findTool(tools[need as keyof typeof tools]) !== undefined;
  }
}

/** Returns `describe`, or its skipping variant if this machine lacks a requirement of the block. */
export function needs(...wanted: Need[]): (name: string, body: () => void) => void {
  const missing = completed(wanted).filter((need) => !isMet(need));
  if (missing.length === 0) return (name, body) => void describe(name, body);
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI']) {
    throw new Error(`this spec ${reason}, and with CI set nothing may be skipped`);
  }
  return (name, body) => void describe.skipIf(true)(`${name} (skipped: ${reason})`, body);
}
