// One file under two names, when the kernel's cache cannot resolve a path to the file.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, type Answer, type Request } from '../../helpers/sys-driver.js';
import { FaultyDriver } from '../../helpers/sys-fault.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';

const LARGE = 'x'.repeat(1_000_000);

describe.each(['openat2=ENOSYS', 'statx=ENOSYS'])('asynchronous writes under %s', (filter) => {
  needs('linux', 'gcc')('by two names', () => {
    let driver: Driver;
    beforeAll(async () => {
      driver = await Driver.start({ launcher: [buildC('seccomp-deny'), filter] });
    });

    const names: [string, object][] = [
      ['d/f', {}],
      ['ln/f', {}],
      ['to-f', { finalSymlink: 'follow' }],
      ['d/made/f', { mkdir: true }],
      ['ln/made/f', { mkdir: true }],
      ['to-made', { mkdir: true, finalSymlink: 'follow' }],
    ];
    const pairs = names.flatMap((older) => names.map((newer) => [older, newer] as const)).filter(([[one], [other]]) => one.includes('made') === other.includes('made'));

    it.each(pairs)('publish in the order they were made: %s, %s', async ([older, one], [newer, other]) => {
      const dir = scratch();
      makeDir(dir, 'd', 0o755);
      symlinkSync('d', join(dir, 'ln'));
      symlinkSync('d/f', join(dir, 'to-f'));
      symlinkSync('d/made/f', join(dir, 'to-made'));
      const write = (name: string, data: string, options: object): Request => ({ call: 'writeAtomic', args: [join(dir, name), data, options] });
      for (let round = 0; round < 2; round += 1) {
        const answers = (await driver.must({ all: [write(older, LARGE, { ...one, mode: 0o600 }), write(newer, 'last', { ...other, durable: false })] })) as Answer[];
        expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
        expect(answers[1]?.value.mode).toBe(0o600);
        expect((await driver.fs('readFileSync', join(dir, newer), 'utf8')).slice(0, 4)).toBe('last');
      }
    });
  });
});

needs('root', 'gcc')('an asynchronous write', () => {
  it('makes no system call on the calling thread while no other path of that name is pending', async () => {
    const { driver, ask } = await start();
    const dir = scratch();
    const request: Request = { call: 'writeAtomic', args: [join(dir, 'f'), 'x', { durable: false }] };
    await driver.must(request);
    const thread = await driver.poolThread();
    const both = { all: [request, { call: 'writeAtomic', args: [join(dir, 'g'), 'x', { durable: false }] }, request] };
    const { calls } = await ask(both);
    expect(calls.length).toBeGreaterThan(20);
    expect(calls.filter(({ tid }) => tid !== thread)).toEqual([]);
    await driver.end();
  });

  it('uses only the kernel’s cache while one is: openat2 with RESOLVE_CACHED, and statx', async () => {
    const { driver, ask } = await start();
    const dir = scratch();
    for (const name of ['a', 'b']) makeDir(dir, name, 0o755);
    const write = (name: string): Request => ({ call: 'writeAtomic', args: [join(dir, name), 'x', { durable: false }] });
    const all = { all: [write('a/f'), write('b/f')] };
    await driver.must(all);
    const thread = await driver.poolThread();
    const { calls } = await ask(all);
    const here = calls.filter(({ tid, name }) => tid !== thread && name !== 'close');
    expect(here.map(({ name }) => name)).toEqual(['openat2', 'statx', 'openat2', 'statx']);
    for (const { args, name } of here) if (name === 'openat2') expect(args).toMatch(/resolve=0x2[02]\b/);
    await driver.end();
  });

  async function start(): Promise<{ driver: Driver; ask: FaultyDriver['ask'] }> {
    const faulty = await FaultyDriver.start();
    return { driver: faulty.driver, ask: (request, plan) => faulty.ask(request, plan) };
  }
});
