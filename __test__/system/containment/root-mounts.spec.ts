// Changes beneath a root that has mounts: a file that is a mount point, and a read-only mount.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';

needs('root', 'unshare')('a merge of trees', () => {
  it('names the file whose rename failed, and no other destination', () => {
    const dir = scratch();
    for (const at of ['src/a', 'to/a']) mkdirSync(join(dir, at), { recursive: true });
    for (const at of ['src/a/f', 'to/a/f', 'other']) writeFileSync(join(dir, at), at);
    const program = `const { openRootSync } = require(${JSON.stringify(repository)});
      try {
        openRootSync('.').copySync('src', 'to', { recursive: true, overwrite: true });
      } catch ({ code, path, dest, message }) {
        console.log(JSON.stringify({ code, path, dest, message }));
      }`;
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount --bind other to/a/f && exec "$0" -e "$1"', process.execPath, program], { cwd: dir, encoding: 'utf8' });
    expect(stderr).toBe('');
    const error = JSON.parse(stdout);
    expect(error).toMatchObject({ code: 'EBUSY', path: 'to/a/f' });
    expect(error.dest).toBeUndefined();
    expect(error.message).not.toContain("'to'");
  });
});

needs('root', 'unshare')('a read-only mount', () => {
  it('refuses to remove what is there, and has no error for what is not', () => {
    const dir = scratch();
    mkdirSync(join(dir, 'ro'));
    writeFileSync(join(dir, 'ro/there'), 'x');
    const program = `const { openRootSync } = require(${JSON.stringify(repository)});
      const root = openRootSync('ro');
      const tell = (name, options) => {
        try {
          return root.removeSync(name, options).removed;
        } catch ({ code }) {
          return code;
        }
      };
      const found = ['no', 'there'].flatMap((name) => [{}, { recursive: true }, { missing: 'ignore' }].map((options) => tell(name, options)));
      console.log(JSON.stringify(found));`;
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount --bind ro ro && mount -o remount,bind,ro ro && exec "$0" -e "$1"', process.execPath, program], { cwd: dir, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(['not-found', 'not-found', 0, 'EROFS', 'EROFS', 'EROFS']);
  });
});
