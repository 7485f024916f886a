// Set-ups and inspections of the file system that several specs share.
import { chmodSync, chownSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDir } from './sys-scratch.js';

export const both = ['sync', 'async'] as const;

/** Returns the permission bits with setuid, setgid and sticky. Does not follow a final symlink. */
export function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

export function ownerOf(path: string): [uid: number, gid: number] {
  const { uid, gid } = lstatSync(path);
  return [uid, gid];
}

/** Formats a mode as four octal digits. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Returns rows for a table of modes: text and number. */
export function inOctal(...modes: number[]): [string, number][] {
  return modes.map((mode) => [octal(mode), mode]);
}

/** Makes a directory with this owner and exactly this mode. */
export function ownedDir(parent: string, name: string, uid: number, gid: number, mode: number): string {
  const dir = makeDir(parent, name, 0o700);
  chownSync(dir, uid, gid);
  chmodSync(dir, mode);
  return dir;
}

/** Makes a file with this owner and exactly this mode. */
export function ownedFile(parent: string, name: string, uid: number, gid: number, mode: number, content = 'old'): string {
  const file = join(parent, name);
  writeFileSync(file, content);
  chownSync(file, uid, gid);
  chmodSync(file, mode);
  return file;
}

/** Returns names that a write left: all names but the expected ones. */
export function strays(dir: string, ...expected: string[]): string[] {
  return readdirSync(dir).filter((name) => !expected.includes(name));
}
