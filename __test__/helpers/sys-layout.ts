// Small looks at, and set-ups of, the file system that several specs share.
import { chmodSync, chownSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDir } from './sys-scratch.js';

export const both = ['sync', 'async'] as const;

/** Permission bits with setuid, setgid and sticky, of the name itself. */
export function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

export function ownerOf(path: string): [uid: number, gid: number] {
  const { uid, gid } = lstatSync(path);
  return [uid, gid];
}

/** Four octal digits, as people write modes. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Rows for a table of modes: how they are written, and the number. */
export function inOctal(...modes: number[]): [string, number][] {
  return modes.map((mode) => [octal(mode), mode]);
}

/** A directory with this owner and exactly this mode. */
export function ownedDir(parent: string, name: string, uid: number, gid: number, mode: number): string {
  const dir = makeDir(parent, name, 0o700);
  chownSync(dir, uid, gid);
  chmodSync(dir, mode);
  return dir;
}

/** A file with this owner and exactly this mode. */
export function ownedFile(parent: string, name: string, uid: number, gid: number, mode: number, content = 'old'): string {
  const file = join(parent, name);
  writeFileSync(file, content);
  chownSync(file, uid, gid);
  chmodSync(file, mode);
  return file;
}

/** Names that a write left behind: everything but what is expected to lie there. */
export function strays(dir: string, ...expected: string[]): string[] {
  return readdirSync(dir).filter((name) => !expected.includes(name));
}
