// fallback: 'in-place' with several writers of one file, and with a file that was renamed onto a staged one.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asUser, Driver, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { octal } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];
const THEM = 1001;
const options = { fallback: 'in-place', durable: false };
const [LONG, SHORT] = ['A'.repeat(3_000_000), 'B'.repeat(2_000_000)];

/** Describes content: each letter and the number of its repetitions. */
const runs = (content: string): string => (content.match(/(.)\1*/gs) ?? []).map((run) => `${run[0]}${run.length}`).join(' ');

needs('root', 'unshare', 'mount', 'setpriv', 'setfacl', 'getfacl', 'strace', 'gcc')('a file bind-mounted under two names', () => {
  let base: string;
  let driver: Driver;
  let count = 0;
  let dir: string;
  let source: string;
  let one: string;
  let other: string;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start({ launcher: inOwnNamespace });
  });

  beforeEach(async () => {
    dir = makeDir(base, `dir-${count++}`, 0o755);
    source = `${dir}.source`;
    [one, other] = [join(dir, 'one'), join(dir, 'other')];
    fs.writeFileSync(source, 'old content');
    fs.chmodSync(source, 0o644);
    for (const name of [one, other]) {
      fs.writeFileSync(name, 'beneath the mount');
      await driver.exec('mount', '--bind', source, name);
    }
  });

  const write = (how: 'sync' | 'async', file: string, data: string): Request => verbRequest(how, 'writeAtomic', file, data, options);

  describe('of several writers', () => {
    it.each([
      ['two calls by two names', () => [write('async', one, LONG), write('async', other, SHORT)]],
      ['two calls by one name', () => [write('async', one, LONG), write('async', one, SHORT)]],
      ['a call and a commit by two names', () => [write('async', one, LONG), { stage: other, args: [options], content: SHORT }]],
    ])('one wins whole: %s', async (_what, requests) => {
      for (let round = 0; round < 8; round += 1) {
        const answers: { error?: unknown }[] = await driver.must({ all: requests() });
        expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
        expect(['A3000000', 'B2000000']).toContain(runs(fs.readFileSync(source, 'latin1')));
      }
    });

    it('one wins whole: two processes', async () => {
      const second = await Driver.start({ launcher: ['nsenter', '-t', String(driver.pid), '-m'] });
      for (let round = 0; round < 16; round += 1) {
        const answers = await Promise.all([driver.ask(write('sync', one, LONG)), second.ask(write('sync', one, SHORT))]);
        expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
        expect(['A3000000', 'B2000000']).toContain(runs(fs.readFileSync(source, 'latin1')));
      }
      await second.end();
    });

    it('the last one called wins, by whatever names', async () => {
      for (let round = 0; round < 16; round += 1) {
        const [first, last] = round % 2 === 0 ? [one, other] : [other, one];
        const content = `${round}`.repeat(1000);
        await driver.must({ all: [write('async', first, LONG), write('async', last, content)] });
        expect(fs.readFileSync(source, 'latin1') === content).toBe(true);
      }
    });

    it('entries of one writeAtomicMany are published in their order', async () => {
      for (let round = 0; round < 16; round += 1) {
        const content = `${round}`.repeat(1000);
        const entries = [{ file: one, data: LONG }, { file: other, data: content }];
        const settled: { status: string }[] = await driver.must({ call: 'writeAtomicMany', args: [entries, options] });
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
        expect(fs.readFileSync(source, 'latin1') === content).toBe(true);
      }
    });
  });

  describe('whose file is locked', () => {
    async function hold(kind: 'r' | 'w'): Promise<ChildProcess> {
      const holder = spawn(buildC('hold-lock'), [source, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(holder.stdout as NonNullable<typeof holder.stdout>, 'data');
      return holder;
    }

    it('by a reader, without end: is written all the same', async () => {
      const holder = await hold('r');
      const { value } = await driver.ask(write('sync', one, 'new content'));
      holder.stdin?.end();
      expect(value).toMatchObject({ method: 'in-place' });
      expect(fs.readFileSync(source, 'utf8')).toBe('new content');
    });

    it('by a writer, for a moment: waits for it', async () => {
      const holder = await hold('w');
      const writing = driver.ask(write('async', one, 'new content'));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(fs.readFileSync(source, 'utf8')).toBe('old content');
      holder.stdin?.end();
      expect((await writing).value).toMatchObject({ method: 'in-place' });
      expect(fs.readFileSync(source, 'utf8')).toBe('new content');
    });

    it('by a writer, without end: is EBUSY, and unchanged', async () => {
      const holder = await hold('w');
      const { error } = await driver.ask(write('async', one, 'new content'));
      holder.stdin?.end();
      expect(error).toMatchObject({ isHoldfastError: false, code: 'EBUSY', syscall: 'fcntl' });
      expect(fs.readFileSync(source, 'utf8')).toBe('old content');
      expect(fs.readdirSync(dir).sort()).toEqual(['one', 'other']);
    }, 30_000);
  });

  describe('onto whose temporary a file was renamed', () => {
    /** Stages a file, has another one with this mode and ACL renamed onto it, and commits. */
    async function place(theirs: number, acl: string | undefined, more: object, mover: string[]) {
      const secret = join(dir, 'secret');
      fs.writeFileSync(secret, 'secret');
      fs.chmodSync(secret, theirs);
      if (acl !== undefined) await driver.exec('setfacl', '-m', acl, secret);
      return driver.ask({ stage: one, args: [{ ...options, ...more }], content: 'expected', meanwhile: [...mover, 'mv', '-f', secret] });
    }

    it.each([
      [0o600, undefined, 0o644, undefined, 0o600],
      [0o600, undefined, 0o644, 0o644, 0o600],
      [0o640, undefined, 0o644, 0o666, 0o640],
      [0o644, undefined, 0o664, undefined, 0o644],
      [0o644, undefined, 0o600, undefined, 0o600],
      [0o644, `u:${THEM}:---`, 0o644, undefined, 0o600],
    ])('keeps within mode %o (ACL %s) of that file: target %o, asked for %o', async (theirs, acl, old, mode, expected) => {
      fs.chmodSync(source, old);
      const { value } = await place(theirs, acl, { mode }, []);
      expect(value).toMatchObject({ method: 'in-place', size: 6, mode: expected, preserved: { mode: old === expected, owner: true } });
      expect(octal(fs.statSync(source).mode & 0o7777)).toBe(octal(expected));
      expect(fs.readFileSync(source, 'utf8')).toBe('secret');
    });

    it('keeps the ACL of the target only where every user could read that file', async () => {
      await driver.exec('setfacl', '-m', `u:${THEM}:r`, source);
      expect((await place(0o644, undefined, {}, [])).value).toMatchObject({ mode: 0o644, preserved: { acl: true } });
      expect(await driver.exec('getfacl', '-cnp', source)).toContain(`user:${THEM}:r--`);
      expect((await place(0o640, undefined, {}, [])).value).toMatchObject({ mode: 0o640, preserved: { acl: false } });
      expect(await driver.exec('getfacl', '-cnp', source)).not.toContain(`user:${THEM}`);
    });

    it('refuses one that grants less than the target, where another user could have put it there', async () => {
      fs.chmodSync(dir, 0o777);
      const { error } = await place(0o600, undefined, {}, asUser(THEM, THEM));
      expect(error).toMatchObject({ isHoldfastError: true, code: 'path-mismatch', path: one });
      expect(error?.message).toContain('nothing was published');
      expect(fs.readFileSync(source, 'utf8')).toBe('old content');
      expect((await place(0o644, undefined, {}, asUser(THEM, THEM))).value).toMatchObject({ method: 'in-place', mode: 0o644 });
    });
  });

  it.each([
    ['chmod', ['chmod', '600'], { mode: false, acl: true, owner: true }],
    ['chown', ['chown', '1000:1000'], { mode: true, acl: true, owner: false }],
    ['setfacl', ['setfacl', '-m', `u:${THEM}:r`], { mode: true, acl: false, owner: true }],
  ])('reports what %s has changed during the write', async (_what, command, preserved) => {
    const slow = [{ syscall: 'ftruncate', effect: 'delay_enter=1500000', when: 1 }];
    const watched = watch(driver, verbRequest('sync', 'writeAtomic', one, 'new', { fallback: 'in-place' }), { thread: driver.pid, inject: slow });
    while (fs.readFileSync(source, 'latin1') === 'old content') await new Promise((resolve) => setTimeout(resolve, 5));
    const [tool, ...args] = command as [string, ...string[]];
    await once(spawn(tool, [...args, source], { stdio: 'inherit' }), 'exit');
    expect((await watched).answer.value).toMatchObject({ method: 'in-place', preserved });
  }, 30_000);
});
