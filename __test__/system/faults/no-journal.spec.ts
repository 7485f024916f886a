// A power loss right after a durable write, on file systems that have no journal. programs/no-journal.mjs does the work.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needs } from '../../helpers/sys-needs.js';
import { programs, scratch } from '../../helpers/sys-scratch.js';

const withDisks = needs('root', 'unshare', 'mount', 'loop devices', 'mkfs.ext4');

withDisks('a durable write on a file system without a journal', () => {
  it.each([
    ['ext2', ['mkfs.ext2']],
    ['ext4 -O ^has_journal', ['mkfs.ext4', '-O', '^has_journal']],
    ['ext4', ['mkfs.ext4']],
  ])('has its content after a power loss: %s', (_, make) => {
    const launcher = ['--mount', '--propagation', 'private', process.execPath, join(programs, 'no-journal.mjs'), scratch(), ...make];
    const { stdout, stderr } = spawnSync('unshare', launcher, { encoding: 'utf8' });
    expect(stderr).toBe('');
    const found = JSON.parse(stdout) as Record<string, string>;
    expect(Object.keys(found).length).toBe(18);
    // Without the sync of the directory, the name may still be that of the old file, or be missing.
    const either = { "durable: 'file', a new file": 'nothing', "durable: 'file', an existing file": 'old' } as Record<string, string>;
    expect(Object.entries(found).filter(([what, content]) => content.trimEnd() !== 'new' && content !== either[what])).toEqual([]);
  });
});
