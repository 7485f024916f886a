// Roots of holdfast/fs-safe that a host has wrapped, and iterations that a host ends early.
import * as fs from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { bindFsSafe } from '../../fs-safe.mjs';
import { FsSafeError, plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';
import { needs } from '../helpers/sys-needs.js';
import { buildC } from '../helpers/sys-scratch.js';

type Root = Awaited<ReturnType<typeof plain.root>>;

const WRAPPED: readonly [string, (root: Root) => Root][] = [
  ['an object whose prototype is the root', (root) => Object.create(root) as Root],
  ['a Proxy of it', (root) => new Proxy(root, {})],
  ['an object with a method of its own', (root) => Object.assign(Object.create(root) as Root, { stat: async () => 'its own' as never })],
];

describe.each(WRAPPED)('a root in the form of %s', (_title, wrap) => {
  it('has the methods of the root', async () => {
    const dir = scratch();
    build(dir, ['d/', 'f: text']);
    const wrapped = wrap(await plain.root(dir));
    await wrapped.write('g', 'written');
    await wrapped.append('g', ' and more');
    await wrapped.move('g', 'd/g');
    expect(await wrapped.readText('d/g')).toBe('written and more');
    expect(await wrapped.list('')).toEqual(['d', 'f']);
    expect(await wrapped.reader()('f')).toEqual(Buffer.from('text'));
    const seen = [];
    for await (const entry of wrapped.entries('')) seen.push(entry.name);
    expect(seen.sort()).toEqual(['d', 'f']);
    expect(wrapped.rootReal).toBe(fs.realpathSync(dir));
  });

  it('is a source of copyIn, and a root of the locks', async () => {
    const dir = scratch();
    build(dir, ['f: text']);
    const taken: unknown[] = [];
    const original = {
      root: async (rootDir: string) => ({ original: rootDir }),
      withFileLock: async (_file: string, options: { lockRoot: unknown }) => taken.push(options.lockRoot),
    };
    const bound = bindFsSafe({ FsSafeError, original: original as unknown as object });
    const root = (await bound.root(dir)) as Root;
    const wrapped = wrap(root);
    await root.copyIn('h', { root: wrapped, relativePath: 'f' } as never).catch((error: Error) => {
      // A source with its own `stat` is asked for it.
      expect(Object.hasOwn(wrapped, 'stat'), error.message).toBe(true);
    });
    await (bound as unknown as typeof original).withFileLock(`${dir}/f`, { lockRoot: wrapped });
    expect(taken).toEqual([{ original: fs.realpathSync(dir) }]);
  });
});

needs('linux')('entries that a host ends at the first one', () => {
  const open = (dir: string) =>
    fs.readdirSync('/proc/self/fd').filter((name) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${name}`).startsWith(dir);
      } catch {
        return false;
      }
    });

  it.each([
    ['break', async (root: Root) => { for await (const _ of root.entries('d')) break; }],
    ['return()', async (root: Root) => { const entries = root.entries('d'); await entries.next(); await entries.return!(); }],
    ['an error', async (root: Root) => { try { for await (const _ of root.entries('d')) throw new Error('its own'); } catch { /* The one above. */ } }],
  ])('leave no directory open: %s', async (_title, end) => {
    const dir = scratch();
    // More than the first two batches of a walk.
    build(dir, ['d/', ...Array.from({ length: 3000 }, (_, index) => `d/name-${index}:`)]);
    const root = await plain.root(dir);
    await root.list('');
    const before = open(dir).length;
    for (let count = 0; count < 10; count += 1) await end(root);
    expect(open(dir).length).toBe(before);
  });
});

describe('sorted entries', () => {
  it('end with the abort of their signal', async () => {
    const dir = scratch();
    build(dir, ['a:', 'b:', 'c:']);
    const controller = new AbortController();
    const entries = (await plain.root(dir)).entries('', { order: 'sorted', signal: controller.signal });
    expect((await entries.next()).value).toMatchObject({ name: 'a' });
    controller.abort();
    await expect(entries.next()).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a path with `..` behind a link that has an absolute target', () => {
  it('is the parent of the target', async () => {
    const dir = fs.realpathSync(scratch());
    build(dir, ['f: top', 'e/d/', 'e/f: inner', `in => ${dir}/e/d`, 'out => /etc']);
    const root = await plain.root(dir, { symlinks: 'follow-within-root' });
    expect(await root.readText('in/../f')).toBe(fs.readFileSync(`${dir}/in/../f`, 'utf8'));
    await expect(root.readText('out/../f')).rejects.toMatchObject({ name: 'FsSafeError', code: 'outside-workspace' });
  });
});

describe('a path with `..` that leaves the root on its way', () => {
  it('is refused alike, whatever exists there', async () => {
    const dir = fs.realpathSync(scratch());
    build(dir, ['f: text', 'd/', 'd/up => ..', `d/upabs => ${dir}`, 'd/file: text']);
    const root = await plain.root(dir, { symlinks: 'follow-within-root' });
    const up = '/..'.repeat(dir.split('/').length + 1);
    for (const way of [`d/up${up}/etc/../${dir}/f`, `d/upabs${up}/etc/../${dir}/f`, `d/up${up}/no-such-directory/../${dir}/f`, 'd/upabs/d/file/../../f']) {
      const refused = await root.readText(way).catch((error: unknown) => error);
      expect(refused, way).toMatchObject({ name: 'FsSafeError', code: expect.stringMatching(/^(outside-workspace|not-file)$/) });
    }
    expect(await root.readText('d/upabs/d/../f')).toBe('text');
  });
});

needs('linux', 'gcc')('append and openWritable while a file from outside is linked under the name', () => {
  it.each(['append', 'openWritable'] as const)('never change that file: %s', async (method) => {
    const base = scratch();
    build(base, ['outside: kept', 'r/']);
    const attacker = spawn(buildC('link-race'), [`${base}/outside`, `${base}/r/v`]);
    await once(attacker.stdout, 'data');
    const root = await plain.root(`${base}/r`);
    const end = Date.now() + 1500;
    try {
      while (Date.now() < end) {
        const call = method === 'append' ? root.append('v', 'more', { durable: false }) : root.openWritable('v').then(({ handle }) => handle.writeFile('other').finally(() => handle.close()));
        await call.catch((error: Error) => expect(error).toMatchObject({ code: expect.stringMatching(/^(path-mismatch|path-alias|hardlink|already-exists|not-found)$/) }));
        fs.rmSync(`${base}/r/v`, { force: true });
      }
    } finally {
      attacker.kill('SIGKILL');
    }
    expect(fs.readFileSync(`${base}/outside`, 'utf8')).toBe('kept');
  });
});

describe('move to a path that ends in a slash', () => {
  it.each(['f/', 'l/'])('does not replace %s, which is no directory', async (to) => {
    const dir = scratch();
    build(dir, ['f: kept', 'l => f', 'new: text']);
    const root = await plain.root(dir);
    await expect(root.move('new', to, { overwrite: true })).rejects.toMatchObject({ name: 'FsSafeError', code: 'path-alias' });
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), fs.readlinkSync(`${dir}/l`), fs.readFileSync(`${dir}/new`, 'utf8')]).toEqual(['kept', 'f', 'text']);
  });
});
