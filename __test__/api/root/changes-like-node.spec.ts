// The changes of a root against those of node:fs, on random trees: the same tree, or the same errno.
import * as fs from 'node:fs';
import { expect, test } from 'vitest';
import { openRootSync } from '../../../index.mjs';
import { scratch, scratchInMemory } from '../../helpers/scratch.js';

scratchInMemory();

/** Returns numbers below a limit, the same for each seed (a linear congruential generator). */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % limit;
  };
}

const NAMES = ['a', 'b', 'c', '-rf', 'ä'];

/** Makes a random tree, without links out of it. */
function grow(dir: string, next: (limit: number) => number, depth: number): void {
  for (const name of NAMES) {
    const at = `${dir}/${name}`;
    const kind = next(6);
    if (kind < 2) fs.writeFileSync(at, `${next(1000)}`, { mode: [0o600, 0o644, 0o755][next(3)] });
    else if (kind === 2) fs.symlinkSync(NAMES[next(NAMES.length)]!, at);
    else if (kind < 5 && depth > 0) {
      fs.mkdirSync(at);
      grow(at, next, depth - 1);
    }
  }
}

function shape(dir: string): string[] {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const at = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return [`${entry.name}/`, ...shape(at).map((line) => `${entry.name}/${line}`)];
    return [`${entry.name} ${entry.isFile() ? `${fs.statSync(at).mode & 0o777} ${fs.readFileSync(at)}` : `=> ${fs.readlinkSync(at)}`}`];
  }).sort();
}

/** Returns the code of an error in the words of node:fs, or `done`. */
function outcome(call: () => unknown): string {
  const codes: Record<string, string> = { 'not-found': 'ENOENT', 'not-directory': 'ENOTDIR' };
  try {
    call();
    return 'done';
  } catch (error: any) {
    return codes[error.code] ?? error.code;
  }
}

test.each(Array.from({ length: 20 }, (_, seed) => seed))('a random tree: seed %i', async (seed) => {
  const [ours, theirs] = [scratch(), scratch()];
  grow(ours, random(seed), 3);
  grow(theirs, random(seed), 3);
  using root = openRootSync(ours, { durable: false });
  const next = random(seed + 1000);
  // A link on the way is refused here, and followed there.
  const isLink = (path: string): boolean => {
    try {
      return fs.lstatSync(`${theirs}/${path}`).isSymbolicLink();
    } catch {
      return false;
    }
  };
  const isReal = (path: string): boolean => !path.split('/').some((_, index, parts) => index > 0 && isLink(parts.slice(0, index).join('/')));
  const pick = (): string => Array.from({ length: 1 + next(3) }, () => NAMES[next(NAMES.length)]).join('/');
  for (let step = 0; step < 40; step++) {
    const [from, to] = [pick(), pick()];
    if (!isReal(from) || !isReal(to)) continue;
    const [one, other] = [`${theirs}/${from}`, `${theirs}/${to}`];
    const what = ['rename', 'remove', 'remove a tree'][next(3)]!;
    const [mine, node] =
      what === 'rename'
        ? [outcome(() => root.renameSync(from, to, { overwrite: true })), outcome(() => fs.renameSync(one, other))]
        : what === 'remove'
          ? [outcome(() => root.removeSync(from)), outcome(() => (fs.lstatSync(one).isDirectory() ? fs.rmdirSync(one) : fs.unlinkSync(one)))]
          : [outcome(() => root.removeSync(from, { recursive: true })), outcome(() => fs.rmSync(one, { recursive: true }))];
    expect(mine, `${what} ${from} ${to}`).toBe(node);
    expect(shape(ours), `${what} ${from} ${to}`).toEqual(shape(theirs));
  }
  fs.mkdirSync(`${theirs}/copies`);
  root.ensureDirSync('copies', { mode: 0o755 });
  for (const name of NAMES.filter((name) => fs.lstatSync(`${theirs}/${name}`, { throwIfNoEntry: false }))) {
    root.copySync(name, `copies/${name}`, { recursive: true });
    // `cpSync` of Node 22 and newer fails for a link that leads nowhere.
    await fs.promises.cp(`${theirs}/${name}`, `${theirs}/copies/${name}`, { recursive: true, verbatimSymlinks: true });
  }
  expect(shape(ours)).toEqual(shape(theirs));
});
