// What a spec needs from the machine it runs on. A spec whose needs are not met is skipped, with the reason in
// its name, which the reporter prints; where CI is set a missing need is an error: nothing is skipped silently.
import { accessSync, constants } from 'node:fs';
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

export type Need = keyof typeof tools | 'linux' | 'root' | 'loop devices' | '/dev/fuse';

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

function isMet(need: Need): boolean {
  switch (need) {
    case 'linux':
      return process.platform === 'linux';
    case 'root':
      return process.platform === 'linux' && process.geteuid?.() === 0;
    case 'loop devices':
      return accessible('/dev/loop-control', constants.R_OK | constants.W_OK);
    case '/dev/fuse':
      return accessible('/dev/fuse', constants.R_OK | constants.W_OK);
    default:
      return findTool(tools[need]) !== undefined;
  }
}

/** Answers `describe`, or its skipping twin when this machine lacks something the block needs. */
export function needs(...wanted: Need[]): (name: string, body: () => void) => void {
  const missing = wanted.filter((need) => !isMet(need));
  if (missing.length === 0) return (name, body) => void describe(name, body);
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI']) {
    throw new Error(`this spec ${reason}, and with CI set nothing may be skipped`);
  }
  return (name, body) => void describe.skipIf(true)(`${name} (skipped: ${reason})`, body);
}
