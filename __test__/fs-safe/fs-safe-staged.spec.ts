// The temporary of a replacement of holdfast/fs-safe: what beforeRename changes of it by its path.
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plain } from '../helpers/fs-safe-hosts.js';
import { build, scratch } from '../helpers/scratch.js';

const isRoot = process.geteuid?.() === 0;
const OTHER = 1000;

/** Both twins, with a callback that changes the temporary. */
const TWINS = {
  replaceFileAtomic: (options: object, act: (tempPath: string) => void) =>
    plain.replaceFileAtomic({ ...(options as { filePath: string; content: string }), beforeRename: async ({ tempPath }) => act(tempPath) }),
  replaceFileAtomicSync: async (options: object, act: (tempPath: string) => void) =>
    plain.replaceFileAtomicSync({ ...(options as { filePath: string; content: string }), beforeRename: ({ tempPath }) => act(tempPath) }),
};

/** Returns permission bits, owner, group and the year of the last change of content. */
function facts(file: string) {
  const { mode, uid, gid, mtime } = fs.statSync(file);
  return [(mode & 0o7777).toString(8), uid, gid, mtime.getUTCFullYear()];
}

const own = [process.geteuid!(), process.getegid!()];
const now = new Date().getUTCFullYear();

describe.each(Object.entries(TWINS))('beforeRename of %s', (_, replace) => {
  const kinds: [string, string[], object, number][] = [
    ['a new file', [], {}, 0o600],
    ['a new file with a mode', [], { mode: 0o640 }, 0o640],
    ['over a file', ['f 0644: old'], {}, 0o600],
    ['over a file with another owner, whose mode stays', ['f 0644: old'], { preserveExistingMode: true }, 0o644],
  ];

  it.each(kinds)('sees the mode that the file will have: %s', async (_, layout, options, mode) => {
    const dir = scratch();
    build(dir, layout);
    let seen = 0;
    await replace({ filePath: `${dir}/f`, content: 'new', ...options }, (temp) => void (seen = fs.statSync(temp).mode & 0o7777));
    expect([seen, fs.statSync(`${dir}/f`).mode & 0o7777]).toEqual([mode, mode]);
  });

  it.each(kinds)('changes mode and times, which stay: %s', async (_, layout, options) => {
    const dir = scratch();
    build(dir, layout);
    await replace({ filePath: `${dir}/f`, content: 'new', ...options }, (temp) => {
      fs.chmodSync(temp, 0o604);
      fs.utimesSync(temp, 1e9, 1e9);
    });
    expect(facts(`${dir}/f`)).toEqual(['604', ...own, 2001]);
    expect([fs.readFileSync(`${dir}/f`, 'utf8'), fs.readdirSync(dir)]).toEqual(['new', ['f']]);
  });

  it.each(kinds)('takes permissions away, which stay away: %s', async (_, layout, options) => {
    const dir = scratch();
    build(dir, layout);
    await replace({ filePath: `${dir}/f`, content: 'new', ...options }, (temp) => fs.chmodSync(temp, 0o600));
    expect(facts(`${dir}/f`)).toEqual(['600', ...own, now]);
  });

  it.runIf(isRoot).each(kinds)('gives the file to another user: %s', async (_, layout, options, mode) => {
    const dir = scratch();
    build(dir, layout);
    await replace({ filePath: `${dir}/f`, content: 'new', ...options }, (temp) => fs.chownSync(temp, OTHER, OTHER));
    expect(facts(`${dir}/f`)).toEqual([mode.toString(8), OTHER, OTHER, now]);
  });

  it.runIf(isRoot)('leaves the owner of the replaced file to it, where the callback changes nothing', async () => {
    const dir = scratch();
    build(dir, ['f 0644: old']);
    fs.chownSync(`${dir}/f`, OTHER, OTHER);
    await replace({ filePath: `${dir}/f`, content: 'new', preserveExistingMode: true }, () => {});
    expect(facts(`${dir}/f`)).toEqual(['644', OTHER, OTHER, now]);
  });

  it('does not publish setuid, setgid and sticky', async () => {
    const dir = scratch();
    await replace({ filePath: `${dir}/f`, content: 'new' }, (temp) => fs.chmodSync(temp, 0o7755));
    expect(facts(`${dir}/f`)).toEqual(['755', ...own, now]);
  });

  it('keeps a file sparse that the callback made so, and its inode', async () => {
    const dir = scratch();
    let inode = 0;
    await replace({ filePath: `${dir}/f`, content: 'new' }, (temp) => {
      fs.truncateSync(temp, 1 << 20);
      inode = fs.statSync(temp).ino;
    });
    const { size, blocks, ino } = fs.statSync(`${dir}/f`);
    expect([size, blocks < 100, ino]).toEqual([1 << 20, true, inode]);
  });

  it('removes the temporary when the callback throws', async () => {
    const dir = scratch();
    const refusal = new Error('not now');
    await expect(replace({ filePath: `${dir}/f`, content: 'new' }, () => { throw refusal; })).rejects.toBe(refusal);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
