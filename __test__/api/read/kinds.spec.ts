import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { call, check, expectRefusal, NEW, VERBS, type Expectation } from '../../helpers/expectations.js';
import { failure, FORMS, inBothForms, shortest } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';
import { needs } from '../../helpers/sys-needs.js';

describe('an object other than a regular file', () => {
  const rows: { name: string; layout: string[]; at: string; read: Expectation; write: Expectation; ensure: Expectation }[] = [
    { name: 'a FIFO without a writer', layout: ['o |'], at: 'o', read: 'not-file', write: 'not-file', ensure: 'not-directory' },
    { name: 'a name beneath a FIFO', layout: ['o |'], at: 'o/x', read: 'not-found', write: 'not-directory', ensure: 'not-directory' },
    { name: 'a unix socket', layout: ['o @'], at: 'o', read: 'not-file', write: 'not-file', ensure: 'not-directory' },
    { name: 'an empty directory', layout: ['o/ 0700'], at: 'o', read: 'not-file', write: 'not-file', ensure: '/ o' },
    { name: 'a directory with something in it', layout: ['o/ 0700', 'o/f: x'], at: 'o', read: 'not-file', write: 'not-file', ensure: '/ o' },
    { name: 'a directory nobody may enter', layout: ['o/ 0000'], at: 'o', read: 'not-file', write: 'not-file', ensure: '/ o' },
  ];

  describe.each(rows)('$name', (row) => {
    test.each(VERBS)('%s', async (verb) => {
      for (const symlinks of [undefined, 'reject']) {
        await check(row[verb], row.layout, (form) => call(form, verb, row.at, { symlinks }));
      }
    });

    test('a write with an exact mode leaves it alone too', async () => {
      await check(row.write, row.layout, (form) => form.write(row.at, NEW, { mode: 0o600 }));
    });
  });

  test.each(['o |', 'o @', 'o/', 'o: x', 'o => nowhere', 'o => o'])('overwrite: false finds the name taken by %j', async (line) => {
    await check('already-exists', [line], (form) => form.write('o', NEW, { overwrite: false }));
  });
});

describe('a FIFO', () => {
  test('is refused by a read in under 50 ms, without a writer', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['pipe |']);
      await failure(() => form.read(dir)); // so that loading the binary is not counted
      expect(await shortest(async () => expectRefusal(await failure(() => form.read(`${dir}/pipe`)), 'not-file'))).toBeLessThan(50);
    }
  });

  test('keeps every buffered byte', async () => {
    for (const form of FORMS) {
      const dir = scratch();
      build(dir, ['pipe |']);
      const ends = fs.openSync(`${dir}/pipe`, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      try {
        fs.writeSync(ends, 'waiting');
        expectRefusal(await failure(() => form.read(`${dir}/pipe`)), 'not-file');
        expectRefusal(await failure(() => form.read(`${dir}/pipe`, { maxBytes: 3, outbound: true })), 'not-file');
        expectRefusal(await failure(() => form.write(`${dir}/pipe`, NEW)), 'not-file');
        const left = Buffer.alloc(64);
        expect(left.toString('utf8', 0, fs.readSync(ends, left))).toBe('waiting');
      } finally {
        fs.closeSync(ends);
      }
    }
  });
});

needs('root')('a device node', () => {
  const zero = { kind: 'c', major: 1, minor: 5 };

  function node(dir: string, { kind, major, minor }: typeof zero): string {
    const at = path.join(dir, 'node');
    const made = spawnSync('mknod', [at, kind, String(major), String(minor)], { encoding: 'utf8' });
    expect(made.stderr).toBe('');
    return at;
  }

  function someBlockDevice(): typeof zero {
    const [major, minor] = fs.readFileSync(`/sys/block/${fs.readdirSync('/sys/block')[0]}/dev`, 'utf8').trim().split(':').map(Number);
    return { kind: 'b', major: major!, minor: minor! };
  }

  test.each([
    { name: 'character', device: () => zero },
    { name: 'block', device: someBlockDevice },
  ])('of kind $name outside /dev is neither read, written nor made a directory', async ({ device }) => {
    for (const form of FORMS) {
      const dir = scratch();
      const at = node(dir, device());
      const before = tree(dir);
      expectRefusal(await failure(() => form.read(at)), 'device-path');
      expectRefusal(await failure(() => form.read(at, { pseudoFiles: 'allow' })), 'device-path');
      expectRefusal(await failure(() => form.write(at, NEW)), 'not-file');
      expectRefusal(await failure(() => form.write(at, NEW, { overwrite: false })), 'already-exists');
      expectRefusal(await failure(() => form.ensure(at)), 'not-directory');
      expect(tree(dir)).toEqual(before);
    }
  });
});

describe('device, magic and pseudo paths', () => {
  const own = String(process.pid);
  const always = [
    '/dev/zero',
    '/dev/null',
    '/dev/tty',
    '/dev/stdin',
    '/dev/stdout',
    '/dev/fd/0',
    '/dev/fd/1000000',
    '/dev/no-such-device',
    '//dev/zero',
    '/dev//zero',
    '/./dev/./zero',
    '/dev/../dev/zero',
    '/tmp/../dev/zero',
    '/../dev/zero',
    '/dev/shm/../zero',
    '/dev/zero/',
    '/proc/self/fd/0',
    '/proc/self/fd/1000000',
    `/proc/${own}/fd/0`,
    '/proc/thread-self/fd/0',
    `/proc/self/task/${own}/fd/0`,
    '/proc/self/root/etc/passwd',
    `/proc/${own}/root/etc/passwd`,
    `/proc/self/task/${own}/root/etc/passwd`,
    '/proc/self/cwd/package.json',
    '/proc/self/exe',
    '/proc/self/../self/exe',
    '/proc/1/../self/root/etc/passwd',
    '/proc/self/map_files/x',
    '/proc/kcore',
    Buffer.from('/proc/self/fd/0'),
    new URL('file:///dev/zero'),
  ];

  test.each(always)('%s is a device-path, even where pseudo files are allowed', async (file) => {
    for (const symlinks of [undefined, 'reject']) {
      await check('device-path', [], (form) => form.read(file, { symlinks }));
      await check('device-path', [], (form) => form.read(file, { symlinks, pseudoFiles: 'allow' }));
    }
  });

  test.each(['/proc/self/environ', '/proc/self/status', '/proc/version', '/proc/sys/kernel/ostype', '/sys/kernel/uevent_seqnum'])(
    '%s is a device-path unless pseudo files are allowed',
    async (file) => {
      await check('device-path', [], (form) => form.read(file));
      await check('device-path', [], (form) => form.read(file, { pseudoFiles: 'reject' }));
      await check('device-path', [], (form) => form.read(file.replace('/self/', '/self/../self/')));
    },
  );

  test.each(['/proc/version', '/proc/sys/kernel/ostype', '/proc/self/environ'])('%s is read whole when allowed, though its size shows as 0', async (file) => {
    for (const form of FORMS) {
      const { buffer, realPath, stat } = await form.read(file, { pseudoFiles: 'allow' });
      expect(buffer.equals(fs.readFileSync(file))).toBe(true);
      expect(buffer.length).toBeGreaterThan(0);
      expect(stat.size).toBe(0);
      expect(realPath).toMatch(/^\/proc\//);
    }
  });

  test('a relative path into /dev is no way round', async () => {
    await check('device-path', [], (form) => {
      process.chdir('/dev');
      return form.read('zero');
    });
    await check('device-path', [], (form) => {
      process.chdir('/proc/self');
      return form.read('environ');
    });
  });

  test('a linked directory is no way round', async () => {
    await check('device-path', ['ln => /dev'], (form) => form.read('ln/zero'));
    await check('device-path', ['ln => /proc/self'], (form) => form.read('ln/environ'));
    await check('device-path', ['ln => /sys/kernel'], (form) => form.read('ln/uevent_seqnum'));
  });

  test('a linked directory makes no magic link of /proc passable', async () => {
    for (const at of ['ln/root/etc/passwd', 'ln/cwd/f', 'root/etc/passwd', 'cwd/f', 'ln/exe', 'fds/0']) {
      for (const { outcome } of await inBothForms(['f: x', 'ln => /proc/self', 'root => /proc/self/root', 'cwd => /proc/self/cwd', 'fds => /proc/self/fd'], (form) => form.read(at, { pseudoFiles: 'allow' }))) {
        expect(['symlink', 'device-path']).toContain(outcome.error?.code);
      }
    }
  });

  test('a sysfs attribute is read whole when allowed, though its size shows as a page', async () => {
    const file = '/sys/kernel/mm/transparent_hugepage/enabled';
    for (const form of FORMS) {
      const at = fs.existsSync(file) ? file : '/sys/kernel/fscaps';
      expect((await form.read(at, { pseudoFiles: 'allow' })).buffer.toString()).toBe(fs.readFileSync(at, 'utf8'));
    }
  });

  test('/dev/shm holds ordinary files', async () => {
    for (const form of FORMS) {
      const file = `/dev/shm/hf-spec-${process.pid}-${form.name}`;
      try {
        const written = await form.write(file, NEW);
        expect(written.path).toBe(file);
        expect((await form.read(file)).buffer.toString()).toBe(NEW);
      } finally {
        fs.rmSync(file, { force: true });
      }
    }
  });

  test('/devious and /process are ordinary names', async () => {
    for (const name of ['dev/zero', 'proc/self/fd/0', 'device', 'proc']) {
      await check('= x', [`${name}: x`], (form) => form.read(name));
      await check('= x', [`${name}: x`], (form, dir) => form.read(`${dir}/${name}`));
    }
  });
});
