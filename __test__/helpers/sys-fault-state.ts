// The scenarios of the fault and kill sweeps for locks, updates and appends.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Request, Value } from './sys-driver.js';
import type { Ground, How, Scenario } from './sys-fault-scenarios.js';
import { both, modeOf, ownedDir, ownedFile } from './sys-layout.js';

const first = 'first\n';
const torn = 'first\ntor';
const record = 'r'.repeat(3000);
const updated = `${'brand new'.repeat(300)}\n`;
const async: readonly How[] = ['async'];

/** A function, for the driver. */
const returns = (value: unknown): object => ({ $returns: value });

function call({ dir, how, where }: Ground, method: string, name: string, ...args: unknown[]): Request {
  const sync = how === 'sync';
  const full = sync ? `${method}Sync` : method;
  return where === 'plain' ? { call: full, args: [join(dir, name), ...args], sync } : { onRoot: dir, method: full, args: [name, ...args], sync };
}

/** Whether a file has its old content, its new one, or was made and is empty. */
function stateOf(file: string, old: string | undefined, fresh: string): string {
  if (!existsSync(file)) return old === undefined ? 'old' : 'missing';
  const content = readFileSync(file, 'utf8');
  if (content === fresh) return 'new';
  if (content === old) return 'old';
  return old === undefined && content === '' ? 'part' : `torn: ${content.length} bytes`;
}

interface Append {
  title: string;
  old?: string;
  name?: string;
  options?: Record<string, unknown>;
  layOut?: (dir: string) => void;
  names?: string[];
  makesDirectories?: true;
  /** in the lockDir option, relative to the directory of the case */
  lockDir?: string;
}

function append({ title, old, name = 'log', options = {}, lockDir, ...more }: Append): Scenario {
  const isolated = old !== undefined && !old.endsWith('\n');
  const fresh = `${old ?? ''}${isolated ? '\n' : ''}${record}\n`;
  return {
    title,
    hows: both,
    wheres: ['plain', 'root'],
    layOut: (dir) => {
      if (lockDir !== undefined) ownedDir(dir, lockDir, 0, 0, 0o700);
      if (old !== undefined) ownedFile(dir, name, 0, 0, 0o640, old);
    },
    request: (ground) => call(ground, 'appendRecord', name, record, lockDir === undefined ? options : { ...options, lockDir: join(ground.dir, lockDir) }),
    state: (dir) => stateOf(join(dir, name), old, fresh),
    isTrue: (dir, value) => {
      expect(value).toMatchObject({ offset: fresh.length - record.length - 1, size: fresh.length, isolated, rotated: false, path: join(dir, name) });
      if (old === undefined) expect(modeOf(join(dir, name))).toBe(0o600);
      expect(value.created).toBe(old === undefined);
    },
    names: [name, ...(more.names ?? []), ...(lockDir === undefined ? [] : [lockDir])],
    targets: [name],
    hasLock: true,
    isAppend: true,
    ...(more.makesDirectories ? { makesDirectories: true as const } : {}),
  };
}

function update(title: string, old: string | undefined, options: Record<string, unknown>): Scenario {
  return {
    title,
    hows: async,
    wheres: ['plain', 'root'],
    layOut: (dir) => {
      if (old !== undefined) ownedFile(dir, 'state', 0, 0, 0o640, old);
    },
    request: (ground) => call(ground, 'updateAtomic', 'state', returns(updated), options),
    state: (dir) => stateOf(join(dir, 'state'), old, updated),
    isTrue: (dir, value: Value) => expect(value).toMatchObject({ size: updated.length, created: old === undefined, path: join(dir, 'state') }),
    names: ['state'],
    targets: ['state'],
    hasLock: true,
  };
}

function lock(title: string, options: Record<string, unknown>): Scenario {
  return {
    title,
    hows: async,
    wheres: ['plain', 'root'],
    layOut: () => {},
    request: (ground) => call(ground, 'withLock', 'name', returns('held'), options),
    state: (dir) => (existsSync(join(dir, 'name')) ? 'a file' : 'old'),
    isTrue: (_dir, value) => expect(value).toBe('held'),
    names: ['name'],
    targets: [],
    hasLock: true,
  };
}

export const stateScenarios: Scenario[] = [
  append({ title: 'an appended record', old: first }),
  append({ title: 'an appended record that is not durable', old: first, options: { durable: false } }),
  append({ title: 'a record in a new file' }),
  append({ title: 'a record behind a torn one', old: torn }),
  append({ title: 'a record in a new file in new directories', name: 'a/b/log', options: { mkdir: true }, names: ['a', 'a/b'], makesDirectories: true }),
  append({ title: 'a record with its lock elsewhere', old: first, lockDir: 'locks' }),
  update('an update', first, {}),
  update('an update of a missing file', undefined, { durable: false }),
  update('an update without a lock', first, { lock: false }),
  lock('a lock', {}),
  lock('a shared lock', { shared: true }),
];
