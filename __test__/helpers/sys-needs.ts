// What a spec needs from the machine it runs on. A spec whose needs are not met is skipped, with the reason in
// its name, which the reporter prints; where CI is set a missing need is an error: nothing is skipped silently.
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

/** By their numbers in capability.h. Those of `root` are what Docker leaves to root, too. */
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

/** The full path of a tool, also where /usr/sbin is not on the PATH of the user. */
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

/** What comes with a need: root in a container may be less than root. */
function completed(wanted: Need[]): Need[] {
  if (!wanted.includes('root') || !isRoot()) return wanted;
  const also: Need[] = ['a root of no user namespace', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_MKNOD'];
  if (wanted.includes('unshare') || wanted.includes('mount')) also.push('CAP_SYS_ADMIN');
  // Processes of other users are traced.
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

/** Answers `describe`, or its skipping twin when this machine lacks something the block needs. */
export function needs(...wanted: Need[]): (name: string, body: () => void) => void {
  const missing = completed(wanted).filter((need) => !isMet(need));
  if (missing.length === 0) return (name, body) => void describe(name, body);
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI']) {
    throw new Error(`this spec ${reason}, and with CI set nothing may be skipped`);
  }
  return (name, body) => void describe.skipIf(true)(`${name} (skipped: ${reason})`, body);
}
