import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect } from 'vitest';
import { HoldfastError, isHoldfastError } from '../../index.mjs';
import { inBothForms, type Form, type Ran } from './forms.js';
import type { Tree } from './scratch.js';

/** What the write of every table case writes. */
export const NEW = 'new content';

/**
 * What a table case expects, as one string:
 * `= text` a read gives text · `> name` a write puts NEW at name and touches nothing else ·
 * `/ name` a directory is there afterwards · `ENAMETOOLONG` (upper case) an error as node:fs throws it · `symlink` a HoldfastError.
 */
export type Expectation = string;

export type Verb = 'read' | 'write' | 'ensure';

export const VERBS: readonly Verb[] = ['read', 'write', 'ensure'];

/** The verb with what a table case hands it. */
export function call(form: Form, verb: Verb, file: unknown, options?: object): Promise<unknown> {
  if (verb === 'write') return form.write(file, NEW, { durable: false, ...options });
  return verb === 'read' ? form.read(file, options) : form.ensure(file, options);
}

/** Runs one cell of a table in both forms and holds outcome and disk against the expectation. */
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

/** A typed refusal with this code, or (upper case) a plain error of the system. */
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
      // `tighten` may change the mode of the one directory that was asked for, and of nothing else.
      if (name !== `.${wanted}` && !(name === '.' && wanted === '')) expect(shown).toBe(before[name]);
    } else {
      expect(`.${wanted}/`.startsWith(`${name}/`), `${name} was made on the way to ${wanted}`).toBe(true);
      expect(shown).toMatch(/^dir 0700 /);
    }
  }
  for (const name of Object.keys(before)) expect(after).toHaveProperty([name]);
}
