// Other file systems and unusual mounts, each in a mount namespace that ends with its driver.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, type PlainError } from '../../helpers/sys-driver.js';
import { both, octal } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch as makeScratch } from '../../helpers/sys-scratch.js';

/** The directories of this file. Other files, which run at the same time, may mount theirs for all to see. */
const places: string[] = [];

function scratch(): string {
  const dir = makeScratch();
  places.push(dir);
  return dir;
}

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];

async function modeIn(driver: Driver, path: string): Promise<string> {
  return octal(parseInt((await driver.exec('stat', '--format=%a', path)).trim(), 8));
}

async function listIn(driver: Driver, dir: string): Promise<string[]> {
  return (await driver.fs('readdirSync', dir)) as string[];
}

/** Checks properties of every file system that has permissions. */
function behavesAsEverywhere(place: () => { driver: Driver; dir: string }): void {
  it.each(both)('makes private directories, tightens open ones and leaves private ones (%s)', async (how) => {
    const { driver, dir } = place();
    const made = join(dir, `made-${how}`, 'deep');
    expect((await driver.verb(how, 'ensureDir', made)).value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'created' });
    expect((await driver.verb(how, 'ensureDir', made)).value).toMatchObject({ mode: 0o700, hardening: 'not-needed' });
    await driver.fs('chmodSync', made, 0o755);
    expect((await driver.verb(how, 'ensureDir', made)).value).toMatchObject({ mode: 0o700, isPrivate: true, hardening: 'tightened' });
    expect(await modeIn(driver, made)).toBe('0700');
  });

  it.each(both)('writes, overwrites and reads back, leaving nothing else behind (%s)', async (how) => {
    const { driver, dir } = place();
    const parent = join(dir, `written-${how}`);
    await driver.fs('mkdirSync', parent);
    const file = join(parent, 'file');
    const first = await driver.verb(how, 'writeAtomic', file, 'first', { mode: 0o640 });
    expect(first.value).toMatchObject({ created: true, mode: 0o640, size: 5, durable: true, preserved: null });
    const second = await driver.verb(how, 'writeAtomic', file, 'second');
    expect(second.value).toMatchObject({ created: false, mode: 0o640, durable: true, preserved: { mode: true, acl: true, owner: true } });
    const exclusive = await driver.verb(how, 'writeAtomic', file, 'third', { overwrite: false });
    expect(exclusive.error?.code).toBe('already-exists');
    const read = await driver.verb(how, 'readLocalFileSafely', file);
    expect(String(read.value.buffer)).toBe('second');
    expect(read.value.realPath).toBe(file);
    expect(await modeIn(driver, file)).toBe('0640');
    expect(await listIn(driver, parent)).toEqual(['file']);
  });

  it.each(both)('exclusive creation has one winner (%s is one of the callers)', async (how) => {
    const { driver, dir } = place();
    const file = join(dir, `exclusive-${how}`);
    const all = Array.from({ length: 16 }, (_, n) => ({
      call: 'writeAtomic',
      args: [file, `by ${n}`, { overwrite: false, durable: false }],
    }));
    const mine = { call: how === 'sync' ? 'writeAtomicSync' : 'writeAtomic', args: [file, 'by me', { overwrite: false, durable: false }] };
    const answers = (await driver.must({ all: [mine, ...all] })) as { value?: unknown; error?: PlainError }[];
    expect(answers.filter(({ value }) => value)).toHaveLength(1);
    expect(answers.flatMap(({ error }) => (error ? [error.code] : []))).toEqual(Array(16).fill('already-exists'));
  });
}

needs(
  'root',
  'unshare',
  'mount',
)('a tmpfs', () => {
  let driver: Driver;
  let dir: string;

  beforeAll(async () => {
    dir = scratch();
    driver = await Driver.start({ launcher: inOwnNamespace });
    await driver.exec('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir);
  });

  behavesAsEverywhere(() => ({ driver, dir }));

  it.each(both)('that is full: %s ENOSPC, the old content whole and no temporary; freed, it works again', async (how) => {
    const parent = join(dir, `full-${how}`);
    await driver.fs('mkdirSync', parent);
    const file = join(parent, 'file');
    await driver.verb(how, 'writeAtomic', file, 'old', { mode: 0o600 });
    const before = await driver.descriptors();
    const { error } = await driver.verb(how, 'writeAtomic', file, Buffer.alloc(2 << 20, 'x'));
    expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code: 'ENOSPC', errno: -28, syscall: 'write', path: file });
    expect(error?.message).toMatch(/^ENOSPC: no space left on device, write/);
    expect(String(await driver.fs('readFileSync', file, 'utf8'))).toBe('old');
    expect(await listIn(driver, parent)).toEqual(['file']);
    expect(await driver.descriptors()).toBe(before);

    const filler = join(parent, 'filler');
    expect((await driver.ask({ fs: 'writeFileSync', args: [filler, Buffer.alloc(2 << 20)] })).error?.code).toBe('ENOSPC');
    expect((await driver.verb(how, 'writeAtomic', file, Buffer.alloc(64 << 10, 'y'))).error?.code).toBe('ENOSPC');
    expect(String(await driver.fs('readFileSync', file, 'utf8'))).toBe('old');
    await driver.fs('unlinkSync', filler);
    expect((await driver.verb(how, 'writeAtomic', file, Buffer.alloc(64 << 10, 'y'))).value).toMatchObject({ size: 65536 });
    expect(await listIn(driver, parent)).toEqual(['file']);
    await driver.fs('rmSync', parent, { recursive: true });
  });
});

const images = { 'mkfs.ext4': ['64M', '-q', '-F'], 'mkfs.xfs': ['320M', '-q'], 'mkfs.btrfs': ['128M', '-q'] } as const;
for (const [tool, [size, ...flags]] of Object.entries(images)) {
  needs(
    'root',
    'unshare',
    'mount',
    'loop devices',
    tool as keyof typeof images,
  )(`${tool.slice('mkfs.'.length)} on a loop device`, () => {
    let driver: Driver;
    let dir: string;

    beforeAll(async () => {
      const base = scratch();
      const image = join(base, 'image');
      dir = join(base, 'mounted');
      driver = await Driver.start({ launcher: inOwnNamespace });
      await driver.fs('mkdirSync', dir);
      await driver.exec('truncate', '--size', size as string, image);
      await driver.exec(tool, ...(flags as string[]), image);
      await driver.exec('mount', '-o', 'loop', image, dir);
      expect((await driver.exec('stat', '--file-system', '--format=%T', dir)).trim()).not.toBe('tmpfs');
    });

    behavesAsEverywhere(() => ({ driver, dir }));
  });
}

needs(
  'root',
  'unshare',
  'mount',
)('an overlay', () => {
  let driver: Driver;
  let dir: string;
  let lower: string;

  beforeAll(async () => {
    driver = await Driver.start({ launcher: inOwnNamespace });
    const base = scratch();
    await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', base);
    for (const name of ['lower', 'upper', 'work', 'merged']) await driver.fs('mkdirSync', join(base, name));
    lower = join(base, 'lower');
    dir = join(base, 'merged');
    await driver.fs('mkdirSync', join(lower, 'state'));
    await driver.fs('chmodSync', join(lower, 'state'), 0o755);
    for (const how of both) {
      await driver.fs('writeFileSync', join(lower, `config-${how}`), 'of the image');
      await driver.fs('chmodSync', join(lower, `config-${how}`), 0o640);
    }
    const layers = `lowerdir=${lower},upperdir=${join(base, 'upper')},workdir=${join(base, 'work')}`;
    await driver.exec('mount', '-t', 'overlay', '-o', layers, 'overlay', dir);
  });

  behavesAsEverywhere(() => ({ driver, dir }));

  it.each(both)('a file of the lower layer is overwritten above it, not in it (%s)', async (how) => {
    const file = join(dir, `config-${how}`);
    const { value } = await driver.verb(how, 'writeAtomic', file, 'changed');
    expect(value).toMatchObject({ created: false, mode: 0o640, preserved: { mode: true, acl: true, owner: true } });
    expect(await driver.fs('readFileSync', file, 'utf8')).toBe('changed');
    expect(await driver.fs('readFileSync', join(lower, `config-${how}`), 'utf8')).toBe('of the image');
  });

  it('a directory of the lower layer is tightened above it, and read back truthfully', async () => {
    const { value } = await driver.verb('sync', 'ensureDir', join(dir, 'state'));
    expect(value).toMatchObject({ hardening: 'tightened', mode: 0o700, isPrivate: true });
    expect(await modeIn(driver, join(dir, 'state'))).toBe('0700');
    expect(await modeIn(driver, join(lower, 'state'))).toBe('0755');
  });
});

needs(
  'root',
  'unshare',
  'mount',
)('a read-only bind mount', () => {
  let driver: Driver;
  let dir: string;

  beforeAll(async () => {
    driver = await Driver.start({ launcher: inOwnNamespace });
    const base = scratch();
    const source = join(base, 'source');
    dir = join(base, 'mounted');
    for (const name of [source, dir, join(source, 'private'), join(source, 'open')]) await driver.fs('mkdirSync', name);
    await driver.fs('chmodSync', join(source, 'private'), 0o700);
    await driver.fs('chmodSync', join(source, 'open'), 0o755);
    await driver.fs('writeFileSync', join(source, 'file'), 'old');
    await driver.exec('mount', '--bind', source, dir);
    await driver.exec('mount', '-o', 'remount,bind,ro', dir);
  });

  it.each(both)('%s: a private directory is fine, an open one is tolerated, "require" is not met', async (how) => {
    expect((await driver.verb(how, 'ensureDir', join(dir, 'private'))).value).toMatchObject({ hardening: 'not-needed', isPrivate: true });
    const open = join(dir, 'open');
    expect((await driver.verb(how, 'ensureDir', open)).value).toMatchObject({
      hardening: 'tolerated',
      reason: 'EROFS',
      isPrivate: false,
      mode: 0o755,
    });
    expect((await driver.verb(how, 'ensureDir', open, { existing: 'require' })).error).toMatchObject({ code: 'insecure-permissions' });
    expect((await driver.verb(how, 'ensureDir', open, { existing: 'leave' })).value).toMatchObject({ hardening: 'left' });
  });

  it.each(both)('%s: a read succeeds', async (how) => {
    expect(String((await driver.verb(how, 'readLocalFileSafely', join(dir, 'file'))).value.buffer)).toBe('old');
  });

  it.each(['file', 'absent'])('writing %s is EROFS exactly as node:fs throws it', async (name) => {
    const file = join(dir, name);
    const plain = (await driver.ask({ fs: 'writeFileSync', args: [file, 'new'] })).error as PlainError;
    for (const how of both) {
      const { error } = await driver.verb(how, 'writeAtomic', file, 'new');
      const { code, errno, syscall, path, message } = plain;
      expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code, errno, syscall, path, message });
      expect(code).toBe('EROFS');
    }
  });

  it('a new directory is EROFS exactly as node:fs throws it', async () => {
    const path = join(dir, 'absent');
    const plain = (await driver.ask({ fs: 'mkdirSync', args: [path] })).error as PlainError;
    for (const how of both) {
      const { error } = await driver.verb(how, 'ensureDir', path);
      const { code, errno, syscall, message } = plain;
      expect(error).toMatchObject({ isHoldfastError: false, code, errno, syscall, path, message });
      expect(code).toBe('EROFS');
    }
  });
});

needs(
  'root',
  'unshare',
  'mount',
)('a single file that is a bind mount', () => {
  it.each(both)('cannot be renamed over: %s EBUSY as node:fs has it, with the path and dest of the rename', async (how) => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const dir = scratch();
    const [source, file] = [join(dir, 'source'), join(dir, 'mounted')];
    for (const name of [source, file]) await driver.fs('writeFileSync', name, 'old');
    await driver.exec('mount', '--bind', source, file);
    const { error } = await driver.verb(how, 'writeAtomic', file, 'new');
    expect(error).toMatchObject({ isHoldfastError: false, type: 'Error', code: 'EBUSY', errno: -16, syscall: 'rename', dest: file });
    expect(error?.path).toMatch(new RegExp(`^${dir}/\\.holdfast-[0-9a-v]{24}\\.tmp$`));
    expect(error?.message).toBe(`EBUSY: resource busy or locked, rename '${error?.path}' -> '${file}'`);
    expect(await driver.fs('readFileSync', source, 'utf8')).toBe('old');
    expect((await listIn(driver, dir)).sort()).toEqual(['mounted', 'source']);
  });
});

needs(
  'root',
  'unshare',
  'mount',
)('a working directory that a mount covers', () => {
  it.each(both)('is refused as the start of a relative path, which would lead into the mount: %s', async (how) => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const dir = scratch();
    for (const covered of ['itself', 'above']) {
      const at = join(dir, covered, 'w');
      await driver.fs('mkdirSync', at, { recursive: true });
      await driver.must({ chdir: at });
      expect((await driver.verb(how, 'writeAtomic', 'before', 'x')).value).toMatchObject({ path: join(at, 'before') });
      await driver.exec('mount', '-t', 'tmpfs', 'none', covered === 'itself' ? at : join(dir, covered));
      await driver.fs('mkdirSync', at, { recursive: true });
      const refused = { isHoldfastError: true, code: 'path-mismatch', message: expect.stringContaining('the path of the working directory leads to another directory') };
      expect((await driver.verb(how, 'writeAtomic', 'f', 'x')).error).toMatchObject(refused);
      expect((await driver.verb(how, 'ensureDir', 'd')).error).toMatchObject(refused);
      expect((await driver.verb(how, 'readLocalFileSafely', 'before')).error).toMatchObject(refused);
      expect((await driver.ask({ openRoot: '.', args: [] })).error).toMatchObject(refused);
      expect(await listIn(driver, at)).toEqual([]);
      expect((await driver.verb(how, 'writeAtomic', join(at, 'f'), 'x')).value).toMatchObject({ path: join(at, 'f') });
    }
  });
});

needs(
  'root',
  'unshare',
  'mount',
)('a root that is opened through a magic link', () => {
  it('is refused where it leads into another mount namespace, in which its path names another directory', async () => {
    const dir = scratch();
    const other = await Driver.start({ launcher: inOwnNamespace });
    await other.exec('mount', '-t', 'tmpfs', 'none', dir);
    await other.fs('mkdirSync', join(dir, 'only-there'));
    const driver = await Driver.start();
    for (const below of ['', '/only-there']) {
      const { error } = await driver.ask({ openRoot: `/proc/${other.pid}/root${dir}${below}`, args: [] });
      expect(error).toMatchObject({ isHoldfastError: true, code: 'device-path', message: expect.stringContaining('magic link') });
    }
    expect((await driver.ask({ call: 'writeAtomic', args: ['f', 'x', { root: `/proc/${other.pid}/root${dir}` }] })).error).toMatchObject({ code: 'device-path' });
  });

  it('is accepted where its path names it here', async () => {
    const dir = scratch();
    const driver = await Driver.start();
    expect((await driver.ask({ openRoot: `/proc/${driver.pid}/root${dir}`, args: [] })).value).toBe(dir);
    await driver.must({ chdir: dir });
    expect((await driver.ask({ openRoot: '/proc/self/cwd', args: [] })).value).toBe(dir);
  });
});

describe('the mount namespaces', () => {
  needs(
    'root',
    'unshare',
    'mount',
  )('leak nothing', () => {
    it('no mount of this file is seen outside its driver', async () => {
      const driver = await Driver.start();
      const mounts = await driver.fs('readFileSync', '/proc/self/mounts', 'utf8');
      expect(places.length).toBeGreaterThan(0);
      expect(places.filter((dir) => mounts.includes(dir))).toEqual([]);
    });
  });
});
