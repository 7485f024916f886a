// Options that a call does not know, and those of other libraries.
import { constants } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, test } from 'vitest';
import * as holdfast from '../../../index.mjs';
import { call, check, NEW, type Verb } from '../../helpers/expectations.js';
import { failure, inBothForms, type Form } from '../../helpers/forms.js';
import { build, scratch, tree } from '../../helpers/scratch.js';

const LAYOUT = ['f 0644: old', 'd/ 0755'];
const TARGET: Record<Verb, string> = { read: 'f', write: 'f', ensure: 'd' };

/** Checks that both forms refuse the options with Node's error and change nothing. */
async function refuses(act: (form: Form) => Promise<unknown>, ...mentions: string[]): Promise<void> {
  for (const { before, after, outcome } of await inBothForms(LAYOUT, act)) {
    expect(outcome.error, 'the call was accepted').toBeInstanceOf(TypeError);
    expect(outcome.error.code).toBe('ERR_INVALID_ARG_VALUE');
    for (const mention of mentions) expect(outcome.error.message).toContain(mention);
    expect(after).toEqual(before);
  }
}

describe('a misspelt option', () => {
  test.each([
    ['read', 'maxbytes', 'maxBytes'],
    ['read', 'maxByte', 'maxBytes'],
    ['read', 'hardLinks', 'hardlinks'],
    ['read', 'symlink', 'symlinks'],
    ['read', 'outBound', 'outbound'],
    ['write', 'mkDir', 'mkdir'],
    ['write', 'overwite', 'overwrite'],
    ['write', 'maxbytes', 'maxBytes'],
    ['write', 'modes', 'mode'],
    ['write', 'durabel', 'durable'],
    ['ensure', 'exisiting', 'existing'],
  ] as [Verb, string, string][])('of %s is refused and corrected: %s', async (verb, wrong, right) => {
    await refuses((form) => call(form, verb, TARGET[verb], { [wrong]: 1 }), `'options.${wrong}'`, `did you mean '${right}'?`);
  });

  it('is refused in outbound and in the object form of a read', async () => {
    await refuses((form) => form.read('f', { outbound: { allowOwnersOnly: true } }), "did you mean 'allowOwnerOnly'?");
    await refuses((form) => form.read({ filePath: 'f', maxbytes: 1 }), "did you mean 'maxBytes'?");
    await refuses((form) => form.read({ filePath: 'f' }, { maxbytes: 1 }), "did you mean 'maxBytes'?");
  });

  it('lists the options of the call when no name is similar', async () => {
    await refuses((form) => form.ensure('d', { whatever: 1 }), 'its options are root, symlinks, signal, mode, existing');
  });

  it('of another call is named as such', async () => {
    await refuses((form) => form.read('f', { mode: 0o600 }), 'is not an option of a read, but of writeAtomic');
    await refuses((form) => form.write('f', NEW, { outbound: true }), 'is not an option of writeAtomic, but of a read');
    await refuses((form) => form.ensure('d', { maxBytes: 1 }), 'is not an option of ensureDir');
    await refuses((form) => form.read('f', { filePath: 'f' }), 'is not an option of a read');
  });

  it('is accepted when it is undefined, like any option that is not given', async () => {
    await check('= old', LAYOUT, (form) => form.read('f', { maxbytes: undefined, flag: undefined, mode: undefined }));
    await check('> f', LAYOUT, (form) => form.write('f', NEW, { maxbytes: undefined, flag: undefined, outbound: undefined }));
    await check('/ d', LAYOUT, (form) => form.ensure('d', { recursive: undefined, existin: undefined }));
  });

  it('has its control characters escaped', async () => {
    await refuses((form) => form.read('f', { 'a\n\u001b[2J': 1 }), "'options.a\\u000a\\u001b[2J'");
  });
});

describe('an option of node:fs and its peers', () => {
  test.each([
    ['write', { flag: 'wx' }, 'overwrite: false'],
    ['write', { flag: 'a' }, 'use appendRecord'],
    ['write', { flag: 'r+' }, 'replaces the whole content'],
    ['write', { flag: 577 }, 'replaces the whole content'],
    ['write', { flags: 'ax' }, 'overwrite: false'],
    ['write', { flush: true }, 'durable'],
    ['write', { fsync: false }, 'durable'],
    ['write', { fsyncWait: false }, 'durable'],
    ['write', { chown: { uid: 1, gid: 1 } }, 'fs.chown'],
    ['write', { chown: false }, 'fs.chown'],
    ['write', { tmpfilePrefix: 'x' }, 'cleanStaleTemporaries'],
    ['write', { tmpCreate: () => 'x' }, 'cleanStaleTemporaries'],
    ['write', { tmpfileCreated: () => {} }, 'stageAtomic'],
    ['write', { recursive: true }, 'mkdir: true'],
    ['write', { timeout: 1 }, 'AbortSignal.timeout'],
    ['write', { syncTempFile: true }, 'durable'],
    ['read', { flag: 'a+' }, 'for reading only'],
    ['read', { flag: 'r+' }, 'for reading only'],
    ['read', { start: 1 }, 'openLocalFileSafely'],
    ['ensure', { recursive: false }, 'fs.mkdir'],
  ] as [Verb, object, string][])('is refused in %s with what to use instead: %o', async (verb, options, instead) => {
    await refuses((form) => call(form, verb, TARGET[verb], options), instead);
  });

  it.each(['wait', 'retries', 'retryWait'])('that waits for a lock is refused by tryLock, which never waits: %s', async (name) => {
    const error = await failure(() => holdfast.tryLock('f', { [name]: 0 } as never));
    expect(error.message).toContain('is not supported by tryLock: it never waits');
    expect(error.message).not.toContain('timeoutMs');
    expect((await failure(() => holdfast.acquireLock('f', { [name]: 0 } as never))).message).toContain('use timeoutMs');
  });

  it('is accepted when it asks for what the call does anyway', async () => {
    await check('= old', LAYOUT, (form) => form.read('f', { flag: 'r', encoding: null }));
    await check('> f', LAYOUT, (form) => form.write('f', NEW, { flag: 'w', encoding: 'utf8' }));
    await check('/ d', LAYOUT, (form) => form.ensure('d', { recursive: true }));
  });
});

describe('the names of options', () => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };

  it('are checked by every function that takes options', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const before = tree(dir);
    const wrong = { mod: 1, maxbyte: 1 } as never;
    const calls: [string, () => Promise<unknown>][] = [
      ['openLocalFileSafely', () => holdfast.openLocalFileSafely(`${dir}/f`, wrong)],
      ['writeAtomicMany', () => holdfast.writeAtomicMany([{ file: `${dir}/f`, data: 'x' }], wrong)],
      ['an entry', () => holdfast.writeAtomicMany([{ file: `${dir}/f`, data: 'x', mode: 1 } as never])],
      ['the options of an entry', () => holdfast.writeAtomicMany([{ file: `${dir}/f`, data: 'x', options: wrong }])],
      ['the root of an entry', () => holdfast.writeAtomicMany([{ file: `${dir}/f`, data: 'x', options: { root: dir } as never }])],
      ['stageAtomic', () => holdfast.stageAtomic(`${dir}/f`, wrong)],
      ['cleanStaleTemporaries', () => holdfast.cleanStaleTemporaries(dir, { olderThanMs: 0, recursive: true } as never)],
      ['openRoot', () => holdfast.openRoot(dir, wrong)],
      ['openRoot with a mode', () => holdfast.openRoot(dir, { mode: 0o600 } as never)],
      ['openRoot with a nested option', () => holdfast.openRoot(dir, { outbound: { ownerOnly: true } } as never)],
      ['openRootSync', async () => holdfast.openRootSync(dir, wrong)],
    ];
    for (const [name, act] of calls) expect(await failure(act), name).toMatchObject(refused);
    expect(tree(dir)).toEqual(before);
  });

  it('are checked by every method of a root, which has no option root', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    using root = holdfast.openRootSync(dir);
    const before = tree(dir);
    for (const options of [{ mod: 1, maxbyte: 1 }, { root: dir }] as never[]) {
      for (const act of [
        () => root.read('f', options),
        async () => root.readSync('f', options),
        () => root.open('f', options),
        () => root.writeAtomic('f', 'x', options),
        async () => root.writeAtomicSync('f', 'x', options),
        () => root.writeAtomicMany([{ file: 'f', data: 'x' }], options),
        () => root.ensureDir('d', options),
        async () => root.ensureDirSync('d', options),
      ]) {
        expect(await failure(act), String(act)).toMatchObject(refused);
      }
    }
    expect(tree(dir)).toEqual(before);
  });

  it('include signal in the promise form only', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const options = { signal: new AbortController().signal } as never;
    for (const act of [
      () => holdfast.readLocalFileSafelySync(`${dir}/f`, options),
      () => holdfast.writeAtomicSync(`${dir}/f`, 'x', options),
      () => holdfast.ensureDirSync(`${dir}/d`, options),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('synchronous') }));
    }
  });

  it('are those of the object and its classes', async () => {
    class Inherited {
      get maxBytes() { return 2; }
      method() {}
    }
    await check('too-large', LAYOUT, (form) => form.read('f', new Inherited()));
    await refuses((form) => form.read('f', Object.create({ maxbytes: 2 })), 'maxBytes');
  });
});

describe('the message of a misplaced option', () => {
  const told = async (act: () => Promise<unknown>, text: string, code = 'ERR_INVALID_ARG_VALUE') => {
    const error = await failure(act);
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('?.');
  };

  it('names the place where it belongs', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    const file = `${dir}/f`;
    const many = (entry: object) => () => holdfast.writeAtomicMany([{ data: 'x', ...entry } as never]);
    await told(() => holdfast.readLocalFileSafely(file, { filePath: 'g' } as never), 'is not an option of a read: the path is the first argument');
    await told(() => holdfast.readLocalFileSafely({ filepath: file } as never), "'filepath' is not an option of a read", 'ERR_INVALID_ARG_TYPE');
    await told(() => holdfast.readLocalFileSafely({ path: file } as never), "'path' is not an option of a read", 'ERR_INVALID_ARG_TYPE');
    await told(() => holdfast.readLocalFileSafely([file] as never), 'Received an instance of Array', 'ERR_INVALID_ARG_TYPE');
    await told(many({ file, mode: 0o600 }), "'entries[0].mode' is not an option of an entry of writeAtomicMany: put it in 'options' of the entry");
    await told(many({ path: file }), "use 'file'");
    await told(many({ filename: file }), "use 'file'");
    await told(many({ file, options: { root: dir } }), 'it holds for all entries: put it in the second argument of writeAtomicMany');
    await told(() => holdfast.readLocalFileSafely(file, { maxBytes: 2 ** 53 }), 'an integer >= 0 and <= 2 ** 53 - 1, or Infinity', 'ERR_OUT_OF_RANGE');
    await told(() => holdfast.readLocalFileSafely(file, { outbound: null } as never), '"options.outbound" property must be of type boolean or object', 'ERR_INVALID_ARG_TYPE');
    await told(() => holdfast.openRoot(dir, { maxbytes: 1 } as never), "'options.maxbytes'");
    await told(() => holdfast.stageAtomic(file, { encoding: 'utf8' } as never), 'use handle.writeFile(data, encoding)');
    expect(Object.keys(tree(dir)).sort()).toEqual(['.', './d', './f']);
  });
});

describe('a callback', () => {
  it('is refused in every position, before anything is done', async () => {
    const dir = scratch();
    build(dir, LAYOUT);
    using root = holdfast.openRootSync(dir);
    const before = tree(dir);
    const callback = () => {
      throw new Error('called');
    };
    const loose = holdfast as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const looseRoot = root as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const calls: [string, unknown[]][] = [
      ['readLocalFileSafely', ['f']], ['openLocalFileSafely', ['f']], ['writeAtomic', ['new', 'x']], ['writeAtomicMany', [[{ file: 'new', data: 'x' }]]],
      ['stageAtomic', ['new']], ['ensureDir', ['new']], ['openRoot', ['d']], ['cleanStaleTemporaries', ['d']],
    ];
    const ofRoot: [string, unknown[]][] = [['read', ['f']], ['open', ['f']], ['writeAtomic', ['new', 'x']], ['writeAtomicMany', [[{ file: 'new', data: 'x' }]]], ['ensureDir', ['new']]];
    const given = (args: unknown[]) => args.map((each, index) => (index === 0 && typeof each === 'string' ? `${dir}/${each}` : each));
    for (const [name, args] of calls) {
      for (const rest of [[callback], [{ olderThanMs: 1 }, callback].map((each) => (name === 'cleanStaleTemporaries' || each === callback ? each : {}))]) {
        expect(await failure(() => loose[name]!(...given(args), ...rest)), name).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('callback') });
      }
    }
    for (const [name, args] of ofRoot) {
      expect(await failure(() => looseRoot[name]!(...args, {}, callback)), name).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('returns a promise') });
    }
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('There is no callback: the call returns its result.') };
    for (const [name, args] of [['readLocalFileSafelySync', ['f']], ['writeAtomicSync', ['new', 'x']], ['ensureDirSync', ['new']], ['openRootSync', ['d']]] as const) {
      expect(await failure(() => loose[name]!(...given([...args]), undefined, callback)), name).toMatchObject(refused);
    }
    for (const [name, args] of [['readSync', ['f']], ['writeAtomicSync', ['new', 'x']], ['ensureDirSync', ['new']]] as const) {
      expect(await failure(() => looseRoot[name]!(...args, {}, callback)), name).toMatchObject(refused);
    }
    expect(tree(dir)).toEqual(before);
  });
});

describe('a value in place of another', () => {
  const loose = holdfast as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

  test.each([
    ['readLocalFileSafely', ['f', 'utf8'], "{ encoding: 'utf8' }"],
    ['readLocalFileSafelySync', ['f', 'latin1'], "{ encoding: 'latin1' }"],
    ['writeAtomic', ['f', 'x', 0o640], '{ mode: 0o640 }'],
    ['writeAtomicSync', ['f', 'x', 0o600], '{ mode: 0o600 }'],
    ['stageAtomic', ['f', 0o600], '{ mode: 0o600 }'],
    ['ensureDir', ['d', 0], '{ mode: 0o700 }'],
  ])('%s with an encoding or a mode as options names the option (%j)', async (name, args, hint) => {
    expect(await failure(() => loose[name]!(...args))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining(`such as ${hint}`) });
  });

  test('a copy with flags of fs.copyFile as options names no mode', async () => {
    using root = holdfast.openRootSync(scratch());
    for (const call of [() => root.copy('a', 'b', constants.COPYFILE_EXCL as never), () => root.copyIn('/a', 'b', constants.COPYFILE_EXCL as never)]) {
      expect(await failure(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('such as { overwrite: false }') });
    }
  });

  test('a URL as text gets a remedy where it is not found', async () => {
    const url = `file://${scratch()}/missing`;
    for (const call of [() => holdfast.readLocalFileSafely(url), () => holdfast.writeAtomic(url, 'x')]) {
      expect(await failure(call)).toMatchObject({ code: 'not-found', remedy: expect.stringContaining('new URL(') });
    }
    expect((await failure(() => holdfast.readLocalFileSafely(`${scratch()}/file:x`)) as { remedy?: string }).remedy).toBeUndefined();
  });

  test('arguments of commit are refused, and the staged file stays', async () => {
    const dir = scratch();
    await using staged = await holdfast.stageAtomic(`${dir}/f`);
    const commit = staged.commit.bind(staged) as (...args: unknown[]) => Promise<unknown>;
    expect(await failure(() => commit('data', { mode: 0o600 }))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('`handle`') });
    await staged.handle.writeFile('x');
    expect(await staged.commit()).toMatchObject({ size: 1 });
  });

  test('a proxy of a Buffer is no data', async () => {
    const dir = scratch();
    const proxy = new Proxy(Buffer.from('x'), {});
    for (const call of [() => holdfast.writeAtomic(`${dir}/f`, proxy), async () => holdfast.writeAtomicSync(`${dir}/f`, proxy), () => holdfast.writeAtomic(`${dir}/f`, [proxy])]) {
      expect(await failure(call)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('Received a proxy of an instance of Buffer') });
    }
    expect(Object.keys(tree(dir))).toEqual(['.']);
  });
});

describe('a container in place of options', () => {
  test.each([
    ['a promise', Promise.resolve({ maxBytes: 1 })],
    ['a Map', new Map([['maxBytes', 1]])],
    ['a Set', new Set(['maxBytes'])],
    ['a Date', new Date()],
    ['a String', Object('utf8')],
    ['a Map of another realm', runInNewContext("new Map([['maxBytes', 1]])")],
  ])('is refused: %s', async (_name, options) => {
    for (const { before, after, outcome } of await inBothForms(LAYOUT, (form) => call(form, 'read', 'f', options))) {
      expect(outcome.error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(after).toEqual(before);
    }
  });
});

describe('options of another realm', () => {
  const polluted = (own: string) => runInNewContext(`Object.prototype.mode = 0o666; Object.prototype.maxBytes = 1; Object.prototype.flag = 'wx'; (${own})`);

  it('have their own members, not those of their Object.prototype', async () => {
    const results = await inBothForms(LAYOUT, async (form) => {
      const { mode } = await form.write('new', NEW, polluted('{ newFileMode: 0o600 }'));
      const { buffer } = await form.read('f', polluted('{}'));
      const { mode: ofClass } = await form.write('other', NEW, polluted('new (class { newFileMode = 0o640 })()'));
      return [mode, buffer.toString(), ofClass];
    });
    for (const { outcome } of results) expect(outcome).toEqual({ value: [0o600, 'old', 0o640] });
  });

  it('are checked as those of this realm', async () => {
    await refuses((form) => form.read('f', runInNewContext('({ maxbytes: 1 })')), "did you mean 'maxBytes'?");
    await check('too-large', LAYOUT, (form) => form.read('f', runInNewContext('({ maxBytes: 2 })')));
  });
});

describe('names on Object.prototype', () => {
  afterEach(clean);

  function clean(): void {
    for (const name of ['flag', 'unknown']) delete (Object.prototype as Record<string, unknown>)[name];
  }

  it('are no options', async () => {
    for (const enumerable of [true, false]) {
      for (const { outcome } of await inBothForms(LAYOUT, async (form) => {
        for (const [name, value] of [['flag', 'wx'], ['unknown', 1]] as const) Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable });
        try {
          await form.read('f', { maxBytes: 10 });
          await form.write('f', NEW, { durable: false });
          await form.ensure('d', { mode: 0o700 });
          return await form.write('f', NEW, { flag: 'wx' }).then(() => 'accepted', ({ code }) => code);
        } finally {
          clean();
        }
      })) {
        expect(outcome).toEqual({ value: 'ERR_INVALID_ARG_VALUE' });
      }
    }
  });
});

describe('a number in place of options', () => {
  test.each([
    ['ensureDir', holdfast.ensureDir],
    ['ensureDirSync', async (dir: string, options: never) => holdfast.ensureDirSync(dir, options)],
    ['readLocalFileSafely', holdfast.readLocalFileSafely],
    ['openLocalFileSafely', holdfast.openLocalFileSafely],
    ['openRoot', holdfast.openRoot],
  ] as [string, (path: string, options: never) => Promise<unknown>][])('is refused by %s, so that map() fails at its first call', async (_name, act) => {
    const dir = scratch();
    build(dir, ['a/ 0755', 'b/ 0755', 'c/ 0755']);
    const before = tree(dir);
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name, index) => act(`${dir}/${name}`, index as never)));
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' } });
    expect(tree(dir)).toEqual(before);
  });

  it('is refused by ensureDir of a root, with the form that is meant', async () => {
    const dir = scratch();
    using root = holdfast.openRootSync(dir);
    const wanted = { code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('{ mode: 0o700 }') };
    expect(await failure(() => root.ensureDir('d', 0o700 as never))).toMatchObject(wanted);
    expect(() => root.ensureDirSync('d', 0o700 as never)).toThrow(expect.objectContaining(wanted));
    expect(tree(dir)).toEqual({ '.': expect.anything() });
  });
});
