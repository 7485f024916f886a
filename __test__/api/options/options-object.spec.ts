import * as fs from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { check, NEW, VERBS, type Verb } from '../../helpers/expectations.js';
import { failure, inBothForms, outcome, type Form } from '../../helpers/forms.js';
import { build, modeOf, scratch } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';
import { ensureDirSync, openRoot, openRootSync, readLocalFileSafely, stageAtomic, writeAtomicMany } from '../../../index.mjs';

const LAYOUT = ['f 0644: old', 'd/ 0755'];

const KNOWN: Record<Verb, Record<string, unknown>> = {
  read: { maxBytes: 10, hardlinks: 'allow', pseudoFiles: 'reject', outbound: true, symlinks: 'reject', root: undefined, signal: undefined },
  write: {
    mode: 0o640, newFileMode: 0o600, overwrite: true, finalSymlink: 'reject', durable: false, mkdir: true, dirMode: 0o700, hardlinks: 'allow', encoding: 'utf8',
    symlinks: 'reject', root: undefined, signal: undefined,
  },
  ensure: { mode: 0o700, existing: 'tighten', symlinks: 'reject', root: undefined, signal: undefined },
};

/**
 * Makes an options object that counts the reads of each property, and returns a hostile value from the second read on.
 */
function countingOptions(values: Record<string, unknown>): { options: object; reads: Record<string, number> } {
  const reads: Record<string, number> = {};
  const options = {};
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(options, name, {
      enumerable: true,
      get() {
        reads[name] = (reads[name] ?? 0) + 1;
        return reads[name] === 1 ? value : Symbol('read again');
      },
    });
  }
  return { options, reads };
}

/** Calls the verb with the given object, without a copy or a default. */
function direct(form: Form, verb: Verb, options: object): Promise<unknown> {
  if (verb === 'write') return form.write('f', NEW, options);
  return verb === 'read' ? form.read('f', options) : form.ensure('d', options);
}

describe('options with getters', () => {
  test.each(VERBS)('%s reads each at most once', async (verb) => {
    for (const { outcome } of await inBothForms(LAYOUT, async (form) => {
      const { options, reads } = countingOptions(KNOWN[verb]);
      const result = await direct(form, verb, options);
      return { reads, result };
    })) {
      expect(outcome.error).toBeUndefined();
      for (const [name, times] of Object.entries(outcome.value!.reads)) expect(times, name).toBe(1);
    }
  });

  test('read takes filePath and the members of outbound once', async () => {
    for (const { outcome } of await inBothForms(LAYOUT, async (form) => {
      const outer = countingOptions({ ...KNOWN.read, filePath: 'f' });
      const inner = countingOptions({ allowOwnerOnly: true });
      const result = await form.read(outer.options);
      const checked = await form.read({ filePath: 'f', outbound: inner.options });
      const both = [countingOptions({ filePath: 'f', maxBytes: 10 }), countingOptions({ hardlinks: 'allow' })] as const;
      await form.read(both[0].options, both[1].options);
      expect({ ...both[0].reads, ...both[1].reads }).toEqual({ filePath: 1, maxBytes: 1, hardlinks: 1 });
      return { reads: { ...outer.reads, ...inner.reads }, result, checked };
    })) {
      expect(outcome.value!.reads).toMatchObject({ filePath: 1, allowOwnerOnly: 1 });
      expect(outcome.value!.result.buffer.toString()).toBe('old');
      expect(outcome.value!.checked.buffer.toString()).toBe('old');
    }
  });

  test('what the second object leaves undefined is what the first one says, also by its class', async () => {
    class Inherited {
      filePath = 'f';
      get maxBytes() { return 2; }
    }
    for (const second of [{}, { maxBytes: undefined }, { maxBytes: undefined, hardlinks: 'allow' }]) {
      await check('too-large', LAYOUT, (form) => form.read({ filePath: 'f', maxBytes: 2 }, second));
      await check('too-large', LAYOUT, (form) => form.read(new Inherited(), second));
    }
    await check('too-large', LAYOUT, (form) => form.read({ filePath: 'f' }, Object.create({ maxBytes: 2 })));
    await check('= old', LAYOUT, (form) => form.read(new Inherited(), { maxBytes: 3 }));
    await check('OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', ['f 0600: old'], (form) => form.read({ filePath: 'f', outbound: true }, { outbound: undefined }));
  });

  test.each(VERBS)('%s fails with the error of a getter', async (verb) => {
    const thrown = new Error('from the getter');
    for (const name of Object.keys(KNOWN[verb]).filter((each) => each !== 'signal')) {
      const options = Object.defineProperty({}, name, { get: () => { throw thrown; } });
      for (const { before, after, outcome } of await inBothForms(LAYOUT, (form) => direct(form, verb, options))) {
        expect(outcome.error, name).toBe(thrown);
        expect(after).toEqual(before);
      }
    }
  });

  test('the object may be changed right after the call', async () => {
    for (const { dir, outcome } of await inBothForms(LAYOUT, async (form) => {
      const options: Record<string, unknown> = { mode: 0o600, overwrite: true, mkdir: false };
      const writing = form.write('f', NEW, options);
      Object.assign(options, { mode: 0o777, overwrite: false, mkdir: 'x' });
      await writing;
      const limits: Record<string, unknown> = { filePath: 'f', maxBytes: 100 };
      const reading = form.read(limits);
      Object.assign(limits, { filePath: 'd', maxBytes: 0 });
      return reading;
    })) {
      expect(outcome.value!.buffer.toString()).toBe(NEW);
      expect(octal(modeOf(`${dir}/f`))).toBe('0600');
    }
  });
});

describe('the prototype of options', () => {
  const polluted: PropertyKey[] = [];
  afterEach(clean);

  function clean(): void {
    for (const name of polluted.splice(0)) delete (Object.prototype as Record<PropertyKey, unknown>)[name];
  }

  function pollute(values: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(values)) {
      polluted.push(name);
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: false });
    }
  }

  test.each(VERBS)('%s takes an object without one', async (verb) => {
    const bare = (values: object) => Object.assign(Object.create(null), values);
    const expected = { read: '= old', write: '> f', ensure: '/ d' }[verb];
    await check(expected, LAYOUT, (form) => direct(form, verb, bare({ symlinks: 'reject' })));
    if (verb === 'read') await check('= old', LAYOUT, (form) => form.read(bare({ filePath: 'f' })));
  });

  const POLLUTION = {
    mode: 0o777, newFileMode: 0o777, overwrite: false, finalSymlink: 'follow', existing: 'leave', hardlinks: 'reject', maxBytes: 0,
    pseudoFiles: 'allow', allowOwnerOnly: true, outbound: true, symlinks: 'reject', mkdir: true, durable: 'nonsense', filePath: 'other', root: '/nonexistent', signal: 1,
    encoding: 'hex', fallback: 'nonsense', olderThanMs: 0,
  };

  // Of these, `value` and `writable` break functions of Node.
  test.each(['get', 'set'])('a polluted Object.prototype.%s breaks no call', async (name) => {
    const dir = scratch();
    build(dir, ['f: old', 'd/ 0700']);
    pollute({ [name]: () => 'theirs' });
    const calls = async () => {
      const [root, sync] = [await openRoot(dir), openRootSync(dir)];
      const staged = await stageAtomic(`${dir}/g`);
      await staged.handle.write('new');
      const { stat } = await root.read('f');
      const seen = [root.path, sync.path, typeof staged.tempPath, (await staged.commit()).size, stat.mtime instanceof Date, (await root.ensureDir('d')).mode];
      root.close();
      sync.close();
      const aborted = await stageAtomic(`${dir}/h`);
      await aborted.abort();
      const refused = [await outcome(() => readLocalFileSafely(`${dir}/none`)), await outcome(() => ensureDirSync(`${dir}/f`)), await outcome(() => stageAtomic(`${dir}/none/f`))];
      return [...seen, ...refused.map(({ error }) => error.code)];
    };
    const seen = await outcome(calls);
    clean();
    expect(seen.error?.stack).toBeUndefined();
    expect(seen.value).toEqual([dir, dir, 'string', 3, true, 0o700, 'not-found', 'not-directory', 'not-found']);
  });

  test.each([
    { given: 'without options', options: undefined },
    { given: 'with options of its own', options: {} },
  ])('a polluted Object.prototype does not weaken or change a call $given', async ({ options }) => {
    const code = (error: NodeJS.ErrnoException) => error.code;
    const content = ({ buffer }: { buffer: Buffer }) => buffer.toString();
    const shownMode = ({ mode }: { mode: number }) => octal(mode);
    const passed = () => 'passed';
    const runs = await inBothForms([...LAYOUT, 'ln => f', 'secret 0600: x', 'other: y', 'twin == other'], async (form) => {
      pollute(POLLUTION);
      try {
        return {
          read: await form.read('f', options).then(content, code),
          readSecret: await form.read('secret', options).then(content, code),
          readTwin: await form.read('twin', options).then(content, code),
          readForOthers: await form.read('secret', { outbound: {} }).then(passed, code),
          readPseudo: await form.read('/proc/version', options).then(passed, code),
          readNothing: await form.read({}).then(passed, code),
          overwrite: await form.write('f', 'zz', options).then(shownMode, code),
          create: await form.write('brand-new', 'zz', options).then(shownMode, code),
          writeLink: await form.write('ln', 'zz', options).then(passed, code),
          writeBeneathNothing: await form.write('missing/x', 'zz', options).then(passed, code),
          ensure: await form.ensure('d', options).then(shownMode, code),
        };
      } finally {
        clean();
      }
    });
    for (const { dir, outcome } of runs) {
      expect(outcome.value).toEqual({
        read: 'old',
        readSecret: 'x',
        readTwin: 'y',
        readForOthers: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE',
        readPseudo: 'device-path',
        readNothing: 'ERR_INVALID_ARG_TYPE',
        overwrite: '0644',
        create: '0644',
        writeLink: 'symlink',
        writeBeneathNothing: 'not-found',
        ensure: '0700',
      });
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('zz');
    }
  });

  test('nor those of the entries of writeAtomicMany', async () => {
    const dir = scratch();
    build(dir, ['f 0644: old']);
    pollute({ file: `${dir}/other`, data: 'polluted', options: { mode: 0o777 } });
    const results = await writeAtomicMany([{ file: `${dir}/f`, data: 'new' }]).finally(clean);
    expect(results).toMatchObject([{ status: 'fulfilled', value: { mode: 0o644 } }]);
    pollute({ file: `${dir}/other`, data: 'polluted' });
    for (const entry of [{ data: 'x' }, { file: `${dir}/f` }]) {
      expect(await failure(() => writeAtomicMany([entry as never]))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    }
    clean();
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });
});
