// The directories that the calls work on: two that are allowed, and one outside.

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Places {
  work: string;
  second: string;
  outside: string;
}

export const SECRET = 'SECRET of another user, outside\n';

export function placesIn(base: string): Places {
  const places = { work: path.join(base, 'work'), second: path.join(base, 'second'), outside: path.join(base, 'outside') };
  for (const place of Object.values(places)) fs.mkdirSync(place, { recursive: true });
  // Begins with the path of an allowed directory, and lies beside it.
  write(`${places.work}2/secret.txt`, SECRET);
  return places;
}

function write(file: string, content: string | Buffer, mode = 0o644): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  fs.chmodSync(file, mode);
}

/** Empties the directories and fills them again. The directories themselves stay: a server may hold them open. */
export function fill({ work, second, outside }: Places): void {
  for (const place of [work, second, outside]) {
    for (const name of fs.readdirSync(place)) fs.rmSync(path.join(place, name), { recursive: true });
  }
  write(path.join(outside, 'secret.txt'), SECRET);
  write(path.join(second, 'other.txt'), 'other\n');
  const inWork = (name: string) => path.join(work, name);
  write(inWork('notes.md'), 'one\ntwo\nthree\n');
  write(inWork('no-break.txt'), 'one\ntwo');
  write(inWork('windows.txt'), 'one\r\ntwo\r\nthree\r\n');
  write(inWork('empty.txt'), '');
  write(inWork('latin1.txt'), Buffer.from('caf\xe9 one\n', 'latin1'));
  write(inWork('photo.PNG'), Buffer.from([0x89, 0x50, 0x4e, 0x47]));
  write(inWork('sound.mp3'), 'ID3');
  write(inWork('data.bin'), Buffer.from([0, 1, 2]));
  write(inWork('run.sh'), 'echo one\n', 0o755);
  write(inWork('private.txt'), 'mine\n', 0o600);
  write(inWork('src/a.ts'), '  if (x) {\n    call();\n  }\n');
  write(inWork('src/lib/b.ts'), 'b\n');
  write(inWork('src/lib/c.js'), 'c\n');
  write(inWork('.hidden'), 'h\n');
  fs.mkdirSync(inWork('void'));
  const links = { 'link.md': 'notes.md', 'link-src': 'src', 'link-absolute': inWork('notes.md'), 'link-out': path.join(outside, 'secret.txt'), 'link-dir': outside, 'link-dangling': path.join(outside, 'none') };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, inWork(name));
  fs.linkSync(path.join(outside, 'secret.txt'), inWork('hard.txt'));
}

export function makeFifo(file: string): void {
  execFileSync('mkfifo', [file]);
}

/** Returns what a tree has: kind, mode and content of each entry by its path. */
function contentOf(dir: string): Record<string, string> {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const stat = fs.lstatSync(file);
      const content = stat.isFile() ? (stat.size > 1000 ? `${stat.size} bytes` : fs.readFileSync(file, 'latin1')) : stat.isSymbolicLink() ? fs.readlinkSync(file) : '';
      return [path.relative(dir, file), `${stat.mode.toString(8)} ${content}`];
    }),
  );
}

/** Returns what all three directories have, for a comparison. */
export function snapshot({ work, second, outside }: Places): Record<string, Record<string, string>> {
  return { work: contentOf(work), second: contentOf(second), outside: contentOf(outside) };
}
