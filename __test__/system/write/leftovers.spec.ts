// A temporary that cannot be removed is told: in the error of the write, by `abort`, or by a warning.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Driver, asUser1000, type Request } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

const TEMPORARY = /^\.holdfast-[0-9a-v]{24}\.tmp$/;
let base: string;
let count = 0;

beforeAll(() => {
  base = scratch();
});

needs('linux', 'gcc')('a temporary that cannot be removed', () => {
  let driver: Driver;
  let dir: string;
  let file: string;

  beforeAll(async () => {
    driver = await Driver.start({ launcher: [buildC('seccomp-deny'), 'unlinkat=EPERM,renameat=EIO'] });
  });
  afterAll(() => driver.end());

  beforeEach(() => {
    // The name has to be escaped in messages.
    dir = makeDir(base, `dir-${count++}-\u001b[2K`, 0o755);
    file = join(dir, 'f');
    fs.writeFileSync(file, 'old');
  });
  afterEach(() => expect(fs.readFileSync(file, 'utf8')).toBe('old'));

  /** The path of the temporary, which still exists. */
  function left(): string {
    const [name, ...others] = fs.readdirSync(dir).filter((each) => TEMPORARY.test(each));
    expect(others).toEqual([]);
    return join(dir, name as string);
  }
  const escaped = (path: string): string => path.replaceAll('\u001b', '\\u001b');
  const sentence = (path: string): string => `The temporary '${escaped(path)}' could not be removed (EPERM).`;

  const writes: [what: string, request: (file: string) => Request][] = [
    ['writeAtomicSync', (at) => ({ call: 'writeAtomicSync', sync: true, args: [at, 'new', { durable: false }] })],
    ['writeAtomic', (at) => ({ call: 'writeAtomic', args: [at, 'new', { durable: false }] })],
    ['a stream', (at) => ({ stream: at, pieces: 1, options: {} })],
    ['a staged file', (at) => ({ stage: at, content: 'new', args: [{}] })],
  ];

  it.each(writes)('is in the system error of a failed publication (%s)', async (_what, request) => {
    const { error } = await driver.ask(request(file));
    const path = left();
    expect(error).toMatchObject({ isHoldfastError: false, code: 'EIO', syscall: 'rename', temporary: path });
    expect(error!.message).toBe(`EIO: i/o error, rename '${escaped(path)}' -> '${escaped(file)}'. ${sentence(path)}`);
  });

  it('is in the error of its entry of writeAtomicMany', async () => {
    const { value } = await driver.ask({ call: 'writeAtomicMany', args: [[{ file, data: 'new' }], { durable: false }] });
    expect(value[0].reason).toMatchObject({ code: 'EIO', temporary: left() });
  });

  it('is in the refusal of a commit', async () => {
    const refused = await driver.ask({ stage: file, content: 'new', args: [{}], meanwhile: ['sh', '-c', 'ln "$0" "$0.link"'] });
    const path = left();
    expect(refused.error).toMatchObject({ isHoldfastError: true, code: 'hardlink', temporary: path });
    expect(refused.error!.message).toMatch(new RegExp(`^hardlink: .*\\. ${escapeRegExp(sentence(path))}$`));
    expect(refused.error!.json).toMatchObject({ temporary: path });
    expect(JSON.stringify(refused.error!.public)).not.toContain('holdfast-');
  });

  it('rejects an abort with the system error that names it', async () => {
    const { error } = await driver.ask({ stage: file, content: 'new', args: [{}], ending: 'abort' });
    const path = left();
    expect(error).toMatchObject({ isHoldfastError: false, code: 'EPERM', syscall: 'unlink', path, temporary: path });
    expect(error!.message).toBe(`EPERM: operation not permitted, unlink '${escaped(path)}'`);
  });

  it('is a warning of a disposal, which rejects with nothing and so hides no other error', async () => {
    await driver.ask({ warnings: true });
    const { error } = await driver.ask({ stage: file, content: 'new', args: [{}], ending: 'dispose' });
    expect(error).toBeUndefined();
    expect((await driver.ask({ warnings: true })).value).toEqual([
      { name: 'HoldfastWarning', code: 'HOLDFAST_TEMPORARY_REMAINS', message: `A temporary could not be removed: EPERM: operation not permitted, unlink '${escaped(left())}'` },
    ]);
  });

  const aborted: [what: string, request: (file: string, dir: string) => Request][] = [
    ['writeAtomic', (at, dir) => ({ abortedLate: { method: 'writeAtomic', args: [at, 'new'], options: { durable: false } }, dir })],
    ['writeAtomicMany', (at, dir) => ({ abortedLate: { method: 'writeAtomicMany', args: [[{ file: at, data: 'new' }]], options: { durable: false } }, dir })],
    ['a copy beneath a root', (_at, dir) => ({ abortedLate: { onRoot: dir, method: 'copy', args: ['other', 'f'], options: { overwrite: true, durable: false } }, dir })],
    ['commit', (at) => ({ abortedCommit: at })],
  ];

  it.each(aborted)('is a warning where the reason of a signal is the error (%s)', async (_what, request) => {
    fs.writeFileSync(join(dir, 'other'), 'new');
    await driver.ask({ openRoot: dir, args: [] });
    await driver.ask({ warnings: true });
    const { error } = await driver.ask(request(file, dir));
    expect(error).toMatchObject({ message: 'mine' });
    expect((await driver.ask({ warnings: true })).value).toEqual([
      { name: 'HoldfastWarning', code: 'HOLDFAST_TEMPORARY_REMAINS', message: `A temporary could not be removed: EPERM: operation not permitted, unlink '${escaped(left())}'` },
    ]);
  });

  it('does not add to the error of a write that leaves none', async () => {
    const { error } = await driver.ask({ call: 'writeAtomic', args: [join(dir, 'none/f'), 'x', {}] });
    expect(error).toMatchObject({ code: 'not-found' });
    expect(error!.temporary).toBeUndefined();
    expect(error!.message).not.toContain('could not be removed');
  });
});

needs('root', 'strace')('a temporary that another program removes', () => {
  it.each([[{ durable: false }], [{}]])('is no missing target: %o', async (options) => {
    const driver = await Driver.start();
    const dir = makeDir(base, `removed-${count++}`, 0o755);
    const file = join(dir, 'f');
    fs.writeFileSync(file, 'old');
    const removeAll = () => {
      for (const name of fs.readdirSync(dir).filter((each) => TEMPORARY.test(each))) fs.rmSync(join(dir, name));
    };
    const { answer } = await watch(driver, { call: 'writeAtomic', args: [file, 'new', options] }, { atEntry: { of: 'rename', act: removeAll } });
    expect(answer.error).toMatchObject({ code: 'path-mismatch', sysCode: 'ENOENT', message: expect.stringContaining('removed or renamed by another program') });
    expect(fs.readFileSync(file, 'utf8')).toBe('old');
    await driver.end();
  });
});

needs('linux', 'root', 'setpriv')('an abort that failed', () => {
  it('fails again while its cause lasts, and then removes the temporary', async () => {
    const driver = await Driver.start({ launcher: asUser1000 });
    const dir = makeDir(base, `again-${count++}`, 0o755);
    fs.chownSync(dir, 1000, 1000);
    expect((await driver.ask({ abortAgain: join(dir, 'f') })).value).toEqual(['EACCES', 'EACCES', 'EACCES', 'ERR_INVALID_STATE', true, 'resolved', false, 'resolved']);
    // The disposal warns of nothing that an abort has told.
    expect((await driver.ask({ warnings: true })).value).toEqual([]);
  });
});

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
