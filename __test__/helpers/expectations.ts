import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect } from 'vitest';
import { HoldfastError, isHoldfastError } from '../../index.mjs';
import { inBothForms, type Form, type Ran } from './forms.js';
import type { Tree } from './scratch.js';

/** The content of every write in a table. */
export const NEW = 'new content';

/**
 * The expected outcome of a table case, as one string: `= text` a read returns text · `> name` a write puts NEW at name
 * and changes nothing else · `/ name` a directory exists afterwards · `ENAMETOOLONG` (upper case) an error of node:fs ·
 * `symlink` a HoldfastError.
 */
export type Expectation = string;

export type Verb = 'read' | 'write' | 'ensure';

export const VERBS: readonly Verb[] = ['read', 'write', 'ensure'];

/** Calls the verb with the arguments of a table case. */
export function call(form: Form, verb: Verb, file: unknown, options?: object): Promise<unknown> {
  if (verb === 'write') return form.write(file, NEW, { durable: false, ...options });
  return verb === 'read' ? form.read(file, options) : form.ensure(file, options);
}

/** Runs one cell of a table in both forms, and compares outcome and disk with the expectation. */
export async function check(expected: Expectation, layout: readonly string[], act: (form: Form, dir: string) => Promise<any>): Promise<void> {
  for (const ran of await inBothForms(layout, act)) {
    judge(expected, ran);
  }
}

function judge(expected: Expectation, { dir, before, after, outcome }: Ran): void {
  const [sign, ...rest] = expected.split(' ');
  const wanted = rest.join(' ');
  if (sign === '=') {
    expect(outcome.error).toBeUndefined();
    expect(outcome.value.buffer.toString()).toBe(wanted);
    expect(after).toEqual(before);
  } else if (sign === '>') {
    expect(outcome.error).toBeUndefined();
    expect(fs.readFileSync(path.join(dir, wanted), 'utf8')).toBe(NEW);
    expect(outcome.value.path).toBe(path.join(dir, wanted));
    expect(without(after, `./${wanted}`)).toEqual(without(before, `./${wanted}`));
  } else if (sign === '/') {
    expect(outcome.error).toBeUndefined();
    expect(fs.lstatSync(path.join(dir, wanted)).isDirectory()).toBe(true);
    expect(outcome.value.path).toBe(path.join(dir, wanted));
    expectOnlyNewDirectories(before, after, path.join(dir, wanted).slice(dir.length));
  } else {
    expectRefusal(outcome.error, expected);
    expect(after).toEqual(before);
  }
}

/** Expects a HoldfastError with this code, or a plain system error for an upper-case code. */
export function expectRefusal(error: any, code: string): void {
  expect(error, `no error where ${code} was due`).toBeInstanceOf(Error);
  expect(error.code, error.message).toBe(code);
  expect(isHoldfastError(error)).toBe(!/^E[A-Z]/.test(code));
  expect(error instanceof HoldfastError).toBe(isHoldfastError(error));
}

export function without(whole: Tree, ...names: string[]): Tree {
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)));
}

function expectOnlyNewDirectories(before: Tree, after: Tree, wanted: string): void {
  for (const [name, shown] of Object.entries(after)) {
    if (name in before) {
      // `tighten` may change the mode of the given directory, and of no other object.
      if (name !== `.${wanted}` && !(name === '.' && wanted === '')) expect(shown).toBe(before[name]);
    } else {
      expect(`.${wanted}/`.startsWith(`${name}/`), `${name} was made on the way to ${wanted}`).toBe(true);
      expect(shown).toMatch(/^dir 0700 /);
    }
  }
  for (const name of Object.keys(before)) expect(after).toHaveProperty([name]);
}
