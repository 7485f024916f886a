import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NEW } from '../../helpers/expectations.js';
import { FORMS, outcome, type Form } from '../../helpers/forms.js';
import { build, placeInMemory, tree } from '../../helpers/scratch.js';

// Compares every path of up to three of these components with the result of node:fs for the same path.
const COMPONENTS = ['d', 'f', 'ln', 'lf', 'no', '..', '.', ''];
const LAYOUT = ['d/d/f: deep', 'd/f: middle', 'd/ln => d', 'd/lf => ../f', 'f: top', 'ln => d/d', 'lf => f'];

function everyPath(): string[] {
  const one = COMPONENTS.filter((name) => name !== '');
  const two = one.flatMap((first) => COMPONENTS.map((second) => `${first}/${second}`));
  const three = one.flatMap((first) => COMPONENTS.flatMap((second) => COMPONENTS.map((third) => `${first}/${second}/${third}`)));
  return [...one, ...two, ...three].filter((name) => !/(^|\/)\.\.[/.]*$/.test(name));
}

/** Returns the path without the suffix that may hide a final symlink: trailing slashes and dots. */
function bareName(name: string): string {
  return name.replace(/(?:\/+\.?)+$/, '');
}

function codeOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** Returns the expected outcome of a read, by lstat of the bare name. */
function expectedRead(name: string): string {
  const bare = bareName(name);
  const missing = codeOf(() => void fs.lstatSync(bare));
  if (missing) return 'not-found';
  const stat = fs.lstatSync(bare);
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isDirectory()) return 'not-file';
  return bare === name ? `read ${fs.readFileSync(name, 'utf8')}` : 'not-directory';
}

/** Returns the expected outcome of a write: that of the read, or for a missing file that of its parent. */
function expectedWrite(name: string): string {
  const bare = bareName(name);
  const missing = codeOf(() => void fs.lstatSync(bare));
  if (missing === 'ENOTDIR') return 'not-directory';
  if (missing) {
    const parent = codeOf(() => void fs.readdirSync(path.dirname(bare) === '.' ? '.' : bare.slice(0, bare.lastIndexOf('/'))));
    if (parent === 'ENOTDIR') return 'not-directory';
    if (bare !== name) return 'not-file';
    if (parent) return 'not-found';
    return `written ${path.join(fs.realpathSync.native(bare.includes('/') ? bare.slice(0, bare.lastIndexOf('/')) : '.'), path.basename(bare))}`;
  }
  const read = expectedRead(name);
  return read.startsWith('read ') ? `written ${fs.realpathSync.native(name)}` : read;
}

/** Returns the expected outcome of ensureDir, for all paths but those with `..` after a missing component. */
function expectedEnsure(name: string): string {
  const bare = bareName(name);
  if (codeOf(() => void fs.lstatSync(bare)) === 'ENOTDIR') return 'not-directory';
  const stat = fs.lstatSync(bare, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return 'symlink';
  if (stat) return stat.isDirectory() ? `directory ${fs.realpathSync.native(bare)}` : 'not-directory';
  const last = bare.lastIndexOf('/');
  if (last === -1) return `directory ${path.join(fs.realpathSync.native('.'), bare)}`;
  const parent = bare.slice(0, last);
  // A symlink as parent is followed; its target must be a directory, or the call makes one.
  const behind = codeOf(() => void fs.readdirSync(parent));
  if (behind === 'ENOTDIR') return 'not-directory';
  if (behind === undefined) return `directory ${path.join(fs.realpathSync.native(parent), path.basename(bare))}`;
  const above = expectedEnsure(parent);
  return above.startsWith('directory') ? `${above}/${path.basename(bare)}` : above;
}

const climbsOutOfNothing = (name: string): boolean => {
  const parts = name.split('/');
  return parts.some((part, index) => part === '..' && index > 0 && !fs.existsSync(parts.slice(0, index).join('/')));
};

describe('every path of up to three components means what it means to node:fs', () => {
  const started = process.cwd();
  let top: string;

  // Two levels down, so that no path of three components leaves the created and removed tree.
  beforeEach(() => {
    top = fs.mkdtempSync(path.join(placeInMemory() ?? fs.realpathSync.native(os.tmpdir()), 'hf-diff-'));
    rebuild();
  });

  afterEach(() => {
    process.chdir(started);
    fs.rmSync(top, { recursive: true, force: true });
  });

  function rebuild(): void {
    process.chdir(top);
    for (const name of fs.readdirSync(top)) fs.rmSync(path.join(top, name), { recursive: true, force: true });
    build(path.join(top, 'a/b'), LAYOUT);
    process.chdir(path.join(top, 'a/b'));
  }

  /** Compares every path; `act` returns the outcome of a call as one string. Recreates the tree after each change. */
  async function compare(form: Form, expected: (name: string) => string, act: (name: string) => Promise<string>): Promise<void> {
    const differences: string[] = [];
    let compared = 0;
    for (const name of everyPath()) {
      if (climbsOutOfNothing(name)) continue;
      const wanted = expected(name);
      const before = tree(top);
      const { value, error } = await outcome(() => act(name));
      const got = value ?? (error as NodeJS.ErrnoException).code;
      if (got !== wanted) differences.push(`${form.name} ${name}: expected ${wanted}, got ${got}`);
      const changed = JSON.stringify(tree(top)) !== JSON.stringify(before);
      if (error && changed) differences.push(`${form.name} ${name}: ${got}, and yet something changed`);
      if (changed) rebuild();
      compared += 1;
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(200);
  }

  test.each(FORMS)('reads, $name', async (form) => {
    await compare(form, expectedRead, async (name) => `read ${(await form.read(name)).buffer.toString()}`);
  });

  test.each(FORMS)('writes, $name', async (form) => {
    await compare(form, expectedWrite, async (name) => {
      const { path: at } = await form.write(name, NEW, { durable: false });
      expect(fs.readFileSync(at, 'utf8')).toBe(NEW);
      return `written ${at}`;
    });
  });

  test.each(FORMS)('directories, $name', async (form) => {
    await compare(form, expectedEnsure, async (name) => {
      const { path: at } = await form.ensure(name, { existing: 'leave' });
      expect(fs.statSync(at).isDirectory()).toBe(true);
      return `directory ${at}`;
    });
  });
});
