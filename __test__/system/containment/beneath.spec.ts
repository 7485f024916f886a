// Properties of every call beneath a root: it starts at the descriptor, crosses mounts, and no procfs link leaves the
// root.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Driver, type Answer, type Request } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';
import { fileCalls, watch, type SystemCall } from '../../helpers/sys-strace.js';

const POLICIES = ['reject', 'follow-parents', 'follow-within-root', 'follow-trusted'] as const;

/** Includes the walk, with both errors of a filter that removes openat2. */
const RESOLVERS = [
  { name: 'openat2', resolver: 'openat2', launcher: (): string[] => [] },
  { name: 'the walk, after ENOSYS', resolver: 'walk', launcher: (): string[] => [buildC('seccomp-deny'), 'openat2=ENOSYS'] },
  { name: 'the walk, after EPERM', resolver: 'walk', launcher: (): string[] => [buildC('seccomp-deny'), 'openat2=EPERM'] },
];

async function start(resolver: string, launcher: string[]): Promise<Driver> {
  const driver = await Driver.start({ launcher });
  expect(await driver.must({ call: 'capabilities', args: [] })).toMatchObject({ resolver });
  return driver;
}

/** Describes the outcome of a call in a few words. */
function told({ value, error }: Answer): string {
  if (error) return error.code ?? error.message;
  return value.buffer === undefined ? `wrote ${value.path}` : `read ${String(value.buffer)}`;
}

needs('root', 'gcc', 'strace')('once a root is open', () => {
  describe.each(RESOLVERS)('with $name', ({ resolver, launcher }) => {
    let driver: Driver;
    let dir: string;
    let root: string;

    beforeAll(async () => {
      driver = await start(resolver, launcher());
      dir = scratch();
      root = makeDir(dir, 'root', 0o755);
      await driver.fs('mkdirSync', join(root, 'd'));
      for (const file of ['f', 'd/g']) {
        await driver.fs('writeFileSync', join(root, file), 'in');
        // The call reads the ACL of a file that may have one.
        await driver.fs('chmodSync', join(root, file), 0o664);
      }
      for (const [target, name] of [['f', 'lf'], ['d', 'ld'], ['../outside', 'out']] as const) await driver.fs('symlinkSync', target, join(root, name));
      await driver.openRoot(root);
      // By now the process has cached all facts that it determines once.
      for (const request of everything('warm-up')) await driver.ask(request);
    });

    /** Every method with each distinct sequence of system calls: successes, refusals, clean-up after a failure. */
    function everything(own: string): Request[] {
      const on = (method: string, ...args: unknown[]): Request => ({ onRoot: root, method, args });
      return POLICIES.flatMap((symlinks) => {
        const name = (what: string): string => `${own}-${symlinks}-${what}`;
        const writes = [true, 'file', false].flatMap((durable) => {
          const options = { symlinks, durable };
          return [
            on('writeAtomic', 'f', 'data', options),
            on('writeAtomic', 'd/g', 'data', { ...options, mode: 0o600 }),
            on('writeAtomic', `ld/${name('new')}-${durable}`, 'data', options),
            on('writeAtomic', 'lf', 'data', { ...options, finalSymlink: 'follow' }),
            on('writeAtomic', 'lf', 'data', options),
            on('writeAtomic', 'out/x', 'data', options),
            on('writeAtomic', `${name('made')}/${durable}/below/f`, 'data', { ...options, mkdir: true }),
            on('writeAtomic', name('exclusive'), 'data', { ...options, overwrite: false }),
            on('writeAtomic', name('streamed'), { $pieces: ['da', 'ta'] }, options),
            on('writeAtomic', name('torn'), { $pieces: ['da', 7] }, options),
            on('writeAtomicMany', ['f', 'd/g', name('many')].map((file) => ({ file, data: 'data' })), options),
          ];
        });
        return [
          ...writes,
          ...['f', 'd/g', 'lf', 'ld/g', 'none', 'f/', 'd', '.', 'd/../f', '../outside/s', `${root}/f`].map((file) => on('read', file, { symlinks })),
          on('open', 'f', { symlinks }),
          ...['d', 'ld', name('dirs/below'), 'f/x', '.'].map((at) => on('ensureDir', at, { symlinks, existing: 'leave' })),
        ];
      });
    }

    /**
     * Returns the paths that a call gets, without paths relative to a descriptor. Excludes descriptors in procfs, and
     * the file that glibc's malloc reads once before it returns memory.
     */
    const pathsFromTop = ({ name, args }: SystemCall): string[] => {
      const [, given = ''] = /^(?:AT_FDCWD<[^>]*>, )?"([^"]*)"/.exec(args) ?? [];
      if (given === '/proc/sys/vm/overcommit_memory') return [];
      const isByDescriptor = /^\d+</.test(args) && !/^\d+<[^>]*>, "\//.test(args);
      return isByDescriptor || /^\/proc\/self\/fd(\/|$)/.test(given) || (given === '' && !args.includes('AT_FDCWD')) ? [] : [`${name}(${args})`];
    };

    it('no call goes back to a path: each begins at a descriptor', async () => {
      const { answer, calls } = await watch(driver, { all: everything('watched'), marked: true });
      const seen = fileCalls(calls);
      expect(seen.length).toBeGreaterThan(500);
      expect(seen.filter(({ args }) => args.includes(`<${root}>, "`)).length).toBeGreaterThan(100);
      expect(seen.flatMap(pathsFromTop)).toEqual([]);
      const codes = (answer.value as Answer[]).map(({ error }) => error?.code ?? 'ok');
      for (const code of ['ok', 'symlink', 'outside-workspace', 'not-found', 'already-exists', 'not-directory']) expect(codes).toContain(code);
    });

    it('and the same with a path for a root would be noticed', async () => {
      const { calls } = await watch(driver, { call: 'readLocalFileSafelySync', args: ['f', { root }], sync: true, marked: true });
      expect(fileCalls(calls).flatMap(pathsFromTop)).toEqual([expect.stringContaining(`"${root}"`)]);
    });

    it('a final link is judged and read by one descriptor of its own, whatever has its name by then', async () => {
      for (const symlinks of POLICIES.slice(1)) {
        const options = { symlinks, finalSymlink: 'follow', durable: false };
        const { answer, calls } = await watch(driver, { onRoot: root, method: 'writeAtomicSync', args: ['lf', 'data', options], sync: true, marked: true });
        expect(answer.value).toMatchObject({ path: join(root, 'f') });
        const seen = fileCalls(calls);
        const read = seen.filter(({ name }) => name === 'readlinkat').map(({ args }) => args);
        expect(read.filter((args) => args.includes(`<${root}/lf>, "", "f"`))).toHaveLength(1);
        expect(read.filter((args) => args.includes(`"lf"`))).toEqual([]);
        const [number] = (read.find((args) => args.includes(`<${root}/lf>, "", "f"`)) as string).split('<');
        const held = seen.findIndex(({ result }) => result.startsWith(`${number}<${root}/lf>`) || result === number);
        expect(seen.slice(held).some(({ name, args }) => /stat/.test(name) && args.startsWith(`${number}<${root}/lf>`))).toBe(true);
      }
    });
  });
});

needs('root', 'gcc', 'unshare', 'mount')('what is mounted beneath a root', () => {
  describe.each(RESOLVERS)('with $name', ({ resolver, launcher }) => {
    let driver: Driver;
    let dir: string;
    let root: string;

    beforeEach(async () => {
      driver = await start(resolver, ['unshare', '--mount', '--propagation', 'private', ...launcher()]);
      dir = scratch();
      root = makeDir(dir, 'root', 0o755);
      makeDir(dir, 'outside', 0o755);
      await driver.fs('writeFileSync', join(dir, 'outside/s'), 'secret');
    });

    const ask = (how: 'sync' | 'async', method: string, ...args: unknown[]): Promise<Answer> =>
      driver.ask(how === 'sync' ? { onRoot: root, method: `${method}Sync`, args, sync: true } : { onRoot: root, method, args });

    it('belongs to it: directories and single files, mounted before or after it was opened', async () => {
      for (const name of ['before', 'after']) await driver.fs('mkdirSync', join(root, name));
      await driver.fs('writeFileSync', join(root, 'single'), '');
      await driver.exec('mount', '--bind', join(dir, 'outside'), join(root, 'before'));
      await driver.openRoot(root);
      await driver.exec('mount', '--bind', join(dir, 'outside'), join(root, 'after'));
      await driver.exec('mount', '--bind', join(dir, 'outside/s'), join(root, 'single'));
      for (const symlinks of POLICIES) {
        for (const how of both) {
          const own = `${symlinks}-${how}`;
          expect(told(await ask(how, 'read', 'before/s', { symlinks }))).toBe('read secret');
          expect(told(await ask(how, 'read', 'after/../after/s', { symlinks }))).toBe('read secret');
          expect(told(await ask(how, 'read', 'single', { symlinks }))).toBe('read secret');
          expect(told(await ask(how, 'writeAtomic', `after/${own}`, 'new', { symlinks }))).toBe(`wrote ${root}/after/${own}`);
          expect(told(await ask(how, 'ensureDir', `before/d-${own}`, { symlinks }))).toBe(`wrote ${root}/before/d-${own}`);
          // `..` of a mounted directory is the parent of its mount point.
          expect(told(await ask(how, 'read', 'before/../../outside/s', { symlinks }))).toBe('outside-workspace');
          expect(existsSync(join(dir, 'outside', own))).toBe(true);
          expect(told(await ask(how, 'writeAtomic', 'single', 'new', { symlinks }))).toBe('EBUSY');
        }
      }
    });

    it('may be procfs, whose links to open files and other roots lead nowhere', async () => {
      await driver.fs('mkdirSync', join(root, 'proc'));
      await driver.exec('mount', '-t', 'proc', 'proc', join(root, 'proc'));
      await driver.fs('symlinkSync', 'proc/self', join(root, 'me'));
      const [file, directory] = [await driver.fs('openSync', join(dir, 'outside/s'), 'r'), await driver.fs('openSync', join(dir, 'outside'), 'r')];
      await driver.openRoot(root);
      const ways = [`fd/${file}`, `fd/${directory}/s`, `root${dir}/outside/s`, 'root/etc/passwd', 'cwd/package.json', 'cwd', 'exe', 'ns/net'];
      for (const way of ['proc/self', 'proc/thread-self', 'me'].flatMap((start) => ways.map((way) => `${start}/${way}`))) {
        for (const symlinks of POLICIES) {
          const calls: [string, ...unknown[]][] = [
            ['read', way, { symlinks, pseudoFiles: 'allow', hardlinks: 'allow' }],
            ['writeAtomic', way, 'new', { symlinks, durable: false }],
            ['writeAtomic', way, 'new', { symlinks, durable: false, finalSymlink: 'follow' }],
            ['writeAtomic', `${way}/new`, 'new', { symlinks, durable: false, mkdir: true }],
            ['ensureDir', way, { symlinks, existing: 'leave' }],
            ['ensureDir', `${way}/new`, { symlinks }],
          ];
          for (const [method, ...args] of calls) expect(told(await ask('sync', method, ...args)), JSON.stringify([method, ...args])).toBe('symlink');
        }
      }
      // Ordinary symlinks of procfs are treated like others.
      expect(told(await ask('async', 'read', 'me/comm', { symlinks: 'follow-within-root', pseudoFiles: 'allow' }))).toMatch(/^read ./);
      expect(await driver.fs('readdirSync', join(dir, 'outside'))).toEqual(['s']);
      expect(await driver.fs('readFileSync', join(dir, 'outside/s'), 'utf8')).toBe('secret');
    });
  });
});
