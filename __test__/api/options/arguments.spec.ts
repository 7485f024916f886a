import { describe, expect, test } from 'vitest';
import { VERBS, call, check, NEW, type Verb } from '../../helpers/expectations.js';
import { FORMS, inBothForms, inOneForm, type Form } from '../../helpers/forms.js';
import * as holdfast from '../../../index.mjs';

const LAYOUT = ['f: old', 'd/ 0755'];

/**
 * Checks that both forms throw this kind of error, that the disk is unchanged, and that the promise form does not throw
 * synchronously.
 */
async function refuses(act: (form: Form) => Promise<unknown>, kind: typeof TypeError | typeof RangeError, code: string, mentions?: string): Promise<void> {
  for (const { before, after, outcome } of await inBothForms(LAYOUT, act)) {
    expect(outcome.error, 'the call was accepted').toBeInstanceOf(kind);
    expect(outcome.error.code).toBe(code);
    if (mentions) expect(outcome.error.message).toContain(mentions);
    expect(holdfast.isHoldfastError(outcome.error)).toBe(false);
    expect(after).toEqual(before);
  }
}

const wrongType = (act: (form: Form) => Promise<unknown>, mentions?: string) => refuses(act, TypeError, 'ERR_INVALID_ARG_TYPE', mentions);
const wrongValue = (act: (form: Form) => Promise<unknown>, mentions?: string) => refuses(act, TypeError, 'ERR_INVALID_ARG_VALUE', mentions);
const outOfRange = (act: (form: Form) => Promise<unknown>, mentions?: string) => refuses(act, RangeError, 'ERR_OUT_OF_RANGE', mentions);

const named = (values: unknown[]) => values.map((value) => ({ value, shown: show(value) }));

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'null-prototype object'}`;
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

test('an encoding in place of options is named as the argument that it is', async () => {
  await wrongValue((form) => form.write('f', 'x', 'utf-9'), "The argument 'options' is no encoding. Received 'utf-9'");
});

describe('a path of the wrong type', () => {
  const values: unknown[] = [undefined, null, 0, 1, NaN, true, 10n, Symbol('f'), () => 'f', ['f'], new String('f'), new Date(), new Map(), { href: 'file:///f' }, { toString: () => 'f' }, { path: 'f' }, Promise.resolve('f')];

  describe.each(named(values))('$shown', ({ value }) => {
    test.each(VERBS)('%s', async (verb) => {
      await wrongType((form) => call(form, verb, value));
    });
  });

  test('an options object without filePath', async () => {
    await wrongType((form) => form.read({}));
    await wrongType((form) => form.read({ filePath: 1 }), 'filePath');
    await wrongType((form) => form.read({ filePath: null }), 'filePath');
    await wrongType((form) => form.read({ filePath: { filePath: 'f' } }), 'filePath');
  });
});

describe('options of the wrong type', () => {
  describe.each(named([null, 0, true, 'utf-eight', Symbol('x'), () => ({}), [], 1n]))('$shown instead of an object', ({ value }) => {
    test('read', () => (value === null ? wrongType((form) => form.read('f', null)) : wrongType((form) => form.read('f', value))));
    test('write', () => (typeof value === 'string' ? wrongValue((form) => form.write('f', NEW, value)) : wrongType((form) => form.write('f', NEW, value))));
    test('ensure', () => wrongType((form) => form.ensure('d', value)));
  });

  const notNumbers = ['0600', '384', true, null, 384n, {}, [384], Symbol('x'), new Number(384)];
  const notBooleans = [0, 1, 'true', 'false', null, {}, [], new Boolean(true)];
  const notStrings = [0, 1, true, false, null, {}, ['reject'], Symbol('reject'), new String('reject')];

  const options: { verb: Verb; name: string; wrong: unknown[] }[] = [
    { verb: 'read', name: 'maxBytes', wrong: notNumbers },
    { verb: 'read', name: 'hardlinks', wrong: notStrings },
    { verb: 'read', name: 'pseudoFiles', wrong: notStrings },
    { verb: 'read', name: 'symlinks', wrong: notStrings },
    { verb: 'read', name: 'outbound', wrong: [0, 1, 'yes', null, [], Symbol('x'), () => true] },
    { verb: 'read', name: 'root', wrong: [0, true, null, {}, [], new String('d')] },
    { verb: 'write', name: 'mode', wrong: notNumbers },
    { verb: 'write', name: 'newFileMode', wrong: notNumbers },
    { verb: 'write', name: 'dirMode', wrong: notNumbers },
    { verb: 'write', name: 'maxBytes', wrong: notNumbers },
    { verb: 'write', name: 'overwrite', wrong: notBooleans },
    { verb: 'write', name: 'mkdir', wrong: notBooleans },
    { verb: 'write', name: 'durable', wrong: [0, 1, null, {}, []] },
    { verb: 'write', name: 'finalSymlink', wrong: notStrings },
    { verb: 'write', name: 'hardlinks', wrong: notStrings },
    { verb: 'write', name: 'symlinks', wrong: notStrings },
    { verb: 'write', name: 'encoding', wrong: [0, true, null, {}, ['utf8']] },
    { verb: 'ensure', name: 'mode', wrong: notNumbers },
    { verb: 'ensure', name: 'existing', wrong: notStrings },
    { verb: 'ensure', name: 'symlinks', wrong: notStrings },
  ];

  describe.each(options)('$verb: $name', ({ verb, name, wrong }) => {
    test.each(named(wrong))('$shown', async ({ value }) => {
      await wrongType((form) => call(form, verb, verb === 'ensure' ? 'd' : 'f', { [name]: value }), name);
    });
  });

  test.each(named([0, 1, 'true', null, {}]))('outbound.allowOwnerOnly: $shown', async ({ value }) => {
    await wrongType((form) => form.read('f', { outbound: { allowOwnerOnly: value } }), 'allowOwnerOnly');
  });

  test('undefined stands for the default, for every option', async () => {
    for (const { verb, name } of options) {
      for (const { outcome } of await inBothForms(LAYOUT, (form) => call(form, verb, verb === 'ensure' ? 'd' : 'f', { [name]: undefined }))) {
        expect(outcome.error).toBeUndefined();
      }
    }
  });
});

describe('numbers out of range', () => {
  const modes = [-1, 0o1000, 0o10000, 0o4755, 1.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53];

  test.each(modes)('mode %d', async (mode) => {
    await outOfRange((form) => form.write('f', NEW, { mode }), 'mode');
    await outOfRange((form) => form.write('new', NEW, { newFileMode: mode }), 'newFileMode');
    await outOfRange((form) => form.write('x/new', NEW, { mkdir: true, dirMode: mode }), 'dirMode');
    await outOfRange((form) => form.ensure('d', { mode }), 'mode');
    await wrongType((form) => form.ensure('new', mode), 'mode: 0o700');
  });

  test.each([-1, 1.5, NaN, -Infinity, -0.1])('maxBytes %d', async (maxBytes) => {
    await outOfRange((form) => form.read('f', { maxBytes }), 'maxBytes');
    await outOfRange((form) => form.read({ filePath: 'missing', maxBytes }), 'maxBytes');
    await outOfRange((form) => form.write('f', NEW, { maxBytes }), 'maxBytes');
  });
});

describe('unknown words, and contradictory options', () => {
  test.each([
    { verb: 'read', options: { hardlinks: 'deny' }, mentions: 'hardlinks' },
    { verb: 'read', options: { pseudoFiles: 'yes' }, mentions: 'pseudoFiles' },
    { verb: 'read', options: { symlinks: 'follow' }, mentions: 'symlinks' },
    { verb: 'read', options: { symlinks: '' }, mentions: 'symlinks' },
    { verb: 'read', options: { symlinks: 'toString' }, mentions: 'symlinks' },
    { verb: 'read', options: { symlinks: '__proto__' }, mentions: 'symlinks' },
    { verb: 'read', options: { symlinks: 'follow-within-root' }, mentions: 'symlinks' },
    { verb: 'write', options: { symlinks: 'follow-within-root' }, mentions: 'symlinks' },
    { verb: 'write', options: { finalSymlink: 'Replace' }, mentions: 'finalSymlink' },
    { verb: 'write', options: { durable: 'directory' }, mentions: 'durable' },
    { verb: 'write', options: { hardlinks: 'constructor' }, mentions: 'hardlinks' },
    { verb: 'write', options: { encoding: 'utf-eight' }, mentions: 'encoding' },
    { verb: 'write', options: { encoding: 'buffer' }, mentions: 'encoding' },
    { verb: 'write', options: { encoding: '' }, mentions: 'encoding' },
    { verb: 'ensure', options: { existing: 'keep' }, mentions: 'existing' },
    { verb: 'ensure', options: { existing: 'valueOf' }, mentions: 'existing' },
    { verb: 'ensure', options: { symlinks: 'follow-within-root' }, mentions: 'symlinks' },
  ] as const)('$verb with $options', async ({ verb, options, mentions }) => {
    await wrongValue((form) => call(form, verb, verb === 'ensure' ? 'd' : 'f', options), mentions);
  });
});

describe('data of the wrong type', () => {
  test.each(named([undefined, null, 0, 1.5, true, 1n, Symbol('x'), () => 'x', {}, { length: 1, 0: 1 }, new Date(), new Error('x'), Promise.resolve('x'), new WeakMap(), new String('x')]))(
    '$shown',
    async ({ value }) => {
      // Not compared with each other: only the promise form's message mentions iterables.
      for (const form of FORMS) {
        for (const file of ['f', 'new']) {
          const { before, after, outcome } = await inOneForm(form, LAYOUT, () => form.write(file, value));
          expect(outcome.error).toBeInstanceOf(TypeError);
          expect(outcome.error.code).toBe('ERR_INVALID_ARG_TYPE');
          expect(outcome.error.message).toContain('"data"');
          expect(after).toEqual(before);
        }
      }
    },
  );

  test('the sync form refuses an iterable, because it cannot wait', () => {
    for (const value of [['x'], (function* () { yield 'x'; })(), (async function* () { yield 'x'; })()]) {
      expect(() => holdfast.writeAtomicSync('/nowhere/f', value as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    }
  });
});

describe('wrong arguments are refused before any access to the disk', () => {
  test('the type of an option before a missing file', async () => {
    await wrongType((form) => form.read('missing/file', { maxBytes: 'x' }));
    await wrongType((form) => form.write('missing/file', NEW, { overwrite: 'x' }));
    await wrongType((form) => form.ensure('f/x', { existing: 1 }));
  });

  test('openLocalFileSafely rejects as well, and never throws', async () => {
    for (const [file, options, code] of [
      [1, undefined, 'ERR_INVALID_ARG_TYPE'],
      [{}, undefined, 'ERR_INVALID_ARG_TYPE'],
      ['f', { maxBytes: -1 }, 'ERR_OUT_OF_RANGE'],
      ['f', { hardlinks: 'x' }, 'ERR_INVALID_ARG_VALUE'],
      ['', undefined, 'invalid-path'],
    ] as const) {
      const promise = holdfast.openLocalFileSafely(file as never, options as never);
      await expect(promise).rejects.toMatchObject({ code });
    }
  });
});

describe('a wrong argument that cannot be shown', () => {
  const unnameable: unknown[] = [
    { constructor: { name: Symbol('x') } },
    class { static readonly name = Symbol('x') as never; },
    Object.assign(Object.create(null), { constructor: { name: Symbol('x') } }),
  ];

  test('is of the wrong type all the same', async () => {
    for (const value of unnameable) {
      for (const verb of VERBS) await wrongType((form) => call(form, verb, value));
      await wrongType((form) => form.read('f', { maxBytes: value }), 'maxBytes');
    }
  });
});
