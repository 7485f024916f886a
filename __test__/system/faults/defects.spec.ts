// A defect of holdfast becomes an error of one call and does not end the process. The addon of this spec has the
// feature `test-defects`, which makes it panic on demand; the usual addon cannot.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { binaryOfPackage } from '../../helpers/package-copy.js';
import { needs } from '../../helpers/sys-needs.js';
import { programs, repository, scratch } from '../../helpers/sys-scratch.js';
import { addonWithDefects } from '../../helpers/sys-variant.js';

interface Broken {
  ok?: boolean;
  code?: string;
  brand?: boolean;
  says?: string;
  told?: string;
  struck?: boolean;
  held?: boolean;
}

interface Answer {
  place: string;
  name: string;
  passes: number;
  broken: Broken;
  then: Broken;
  descriptors: number;
  temporaries: number;
}

let answers: Answer[];
let folder: string;

/** A build of the addon takes half a minute on a busy machine. */
const TIMEOUT = 600_000;

needs('linux')('a panic', () => {
  beforeAll(() => {
    folder = scratch();
    // A hundred panics need no backtraces.
    const env = { ...process.env, HOLDFAST_NATIVE_PATH: addonWithDefects(), RUST_BACKTRACE: '0' };
    const done = spawnSync(process.execPath, ['--expose-gc', join(programs, 'defects.mjs'), folder], { encoding: 'utf8', env, maxBuffer: 64 << 20 });
    expect(done.signal ?? done.status, done.stderr.slice(-2000)).toBe(0);
    answers = JSON.parse(done.stdout) as Answer[];
  }, TIMEOUT);

  const at = (place: string): Answer[] => answers.filter((answer) => answer.place === place);

  it.each([
    ['argument', 'while arguments are taken over', 16],
    ['core', 'inside a verb, on the calling thread', 20],
    ['job', 'in a job of the pool', 15],
    ['answer', "while a job's answer is made into JavaScript", 15],
    ['thread', 'on one of the threads of writeAtomicMany, at each step of each file', 9],
  ])('%s: %s is the error `internal`', (place, _where, atLeast) => {
    const all = at(place);
    expect(all.length).toBeGreaterThanOrEqual(atLeast);
    for (const { name, passes, broken } of all) {
      const what = `${name}, ${passes}`;
      // A call from memory that fails is repeated in the pool, whatever the reason. The job that releases resources has
      // no caller to report to.
      const isAskedAgain = ['argument', 'core'].includes(place) && passes === 0 && ['read', 'ensureDir', 'rootRead', 'open', 'openRoot'].includes(name);
      const isLettingGo = (name === 'open' && passes === 1) || (name === 'stage' && passes === 2);
      if (broken.ok && (isAskedAgain || isLettingGo)) continue;
      expect(broken.code, what).toBe('internal');
      expect(broken.brand, what).toBe(true);
      expect(broken.says, what).toMatch(/a defect of holdfast \((a defect in \w+, as the test wished|a scoped thread panicked)\)/);
      expect(broken.told, what).not.toContain('defect in');
      expect(broken.told, what).not.toContain(folder);
    }
  });

  it('is met by every verb, in its synchronous form and in the pool', () => {
    const names = (place: string): string[] => [...new Set(at(place).map(({ name }) => name))].sort();
    const synchronous = ['ensureDirSync', 'openRootSync', 'readLargeSync', 'readSync', 'rootReadSync', 'writeSync'];
    const pooled = ['cleanStale', 'ensureDir', 'open', 'openRoot', 'readLarge', 'rootRead', 'rootWrite', 'stage', 'write', 'writeMany', 'writeStream'];
    expect(names('argument')).toEqual([...synchronous, ...pooled, 'read'].sort());
    expect(names('core')).toEqual(expect.arrayContaining([...synchronous, ...pooled]));
    // Opens complete from memory here and need no job.
    const inJobs = pooled.filter((name) => name !== 'open' && name !== 'openRoot');
    expect(names('job')).toEqual(expect.arrayContaining(inJobs));
    expect(names('answer')).toEqual(expect.arrayContaining(inJobs));
    expect(names('thread')).toEqual(['writeMany']);
  });

  it('in what the collector drops, a root or a forgotten stream, ends nothing', () => {
    expect(at('finalizer').map(({ name, broken }) => [name, broken])).toEqual([
      ['root', { struck: true, held: true }],
      ['stream', { struck: true, held: true }],
    ]);
  });

  it('leaves no descriptor open and no temporary file, and the next call works', () => {
    for (const { place, name, passes, then, descriptors, temporaries } of answers) {
      expect({ then, descriptors, temporaries }, `${place}, ${name}, ${passes}`).toEqual({ then: { ok: true }, descriptors: 0, temporaries: 0 });
    }
  });
});

describe('the addon that is shipped', () => {
  const usual = binaryOfPackage();

  it('catches panics around every function that it exports', () => {
    const folder = join(repository, 'src');
    const exported = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.rs') && name !== 'defects.rs')
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/^#\[napi(.*)\]\n[^]*?^pub fn (\w+)/gm)]);
    expect(exported.length).toBe(Object.keys(createRequire(import.meta.url)(usual) as object).length);
    expect(exported.filter(([, how]) => how !== '(catch_unwind)').map(([, , name]) => name)).toEqual([]);
  });

  // They are registered by hand, without the checks of `#[napi]`.
  it('answers a record to whatever its verbs on the calling thread are called with, and throws and ends nothing', () => {
    const scratch = new Float64Array(32 + 8192 / 8);
    const direct = (createRequire(import.meta.url)(usual) as { direct: (scratch: Float64Array) => Record<string, (...given: unknown[]) => unknown> }).direct(scratch);
    expect(Object.keys(direct).sort()).toEqual([
      'appendSync',
      'endBatch',
      'ensureDirCached',
      'ensureDirSync',
      'listSync',
      'openCached',
      'readCached',
      'readSync',
      'readlinkSync',
      'rootOpenCached',
      'statCached',
      'statSync',
      'writeSync',
      'writeTarget',
    ]);
    const odd = [undefined, null, 1, NaN, -1, 1n, true, Symbol('x'), {}, [], () => 1, new Uint8Array(1), 'a'.repeat(100_000), new Proxy({}, {}), new Float64Array(4)];
    for (const [name, call] of Object.entries(direct)) {
      for (const value of odd) {
        for (const given of [[], [value], Array(9).fill(value), ['/dev/null/x', ...Array(8).fill(value)], ['/dev/null/x', 0, ...Array(7).fill(value)], ['/dev/null/x', 0, 0, 0, ...Array(5).fill(value)]]) {
          scratch[0] = 0;
          expect(call(...given)).toBeUndefined();
          // An error; or a cache miss from those that work from memory only. `writeTarget` succeeds: it then returns
          // the name only. `endBatch` takes no argument.
          expect(name === 'writeTarget' ? [0, 1] : name === 'endBatch' ? [0] : [1, 2, 3], `${name}, ${String(typeof value)}`).toContain(scratch[0]);
        }
      }
    }
    const { direct: make } = createRequire(import.meta.url)(usual) as { direct: (scratch: unknown) => unknown };
    for (const value of [...odd, new Float64Array(32), new Uint8Array(1 << 16)]) expect(() => make(value)).toThrow();
  });

  it('has no memory where it is answered none, and a defect where it cannot ask', () => {
    const scratch = new Float64Array(32 + 8192 / 8);
    const { readSync } = (createRequire(import.meta.url)(usual) as { direct: (scratch: Float64Array) => { readSync: (...given: unknown[]) => unknown } }).direct(scratch);
    const said = (allocate: unknown): unknown => {
      scratch.fill(0);
      expect(readSync(usual, 1, Infinity, allocate)).toBeUndefined();
      return Buffer.from(scratch.buffer, 32 * 8, scratch[31]).toString().split('\0').slice(0, 2);
    };
    expect(said(() => undefined)).toEqual(['too-large', 'memory']);
    expect(said(undefined)).toEqual(['internal', 'no array could be asked for']);
  });

  it('is a defect where the answer to a call that succeeded is lost, as in a worker that is ending', () => {
    const binary = join(scratch(), 'binary.js');
    writeFileSync(binary, `const binary = require(${JSON.stringify(usual)}); module.exports = { ...binary, rootOpenSync: (...given) => void binary.rootOpenSync(...given) };`);
    const script = `const { openRootSync, readLocalFileSafelySync } = require(${JSON.stringify(repository)});
      for (const call of [() => openRootSync('/usr'), () => readLocalFileSafelySync('bin', { root: '/usr' }), () => openRootSync('/none')])
        try { call(); } catch ({ code, message }) { console.log(code, message); }`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...process.env, HOLDFAST_NATIVE_PATH: binary } });
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      expect.stringMatching(/^internal internal: .*no handle could be made.*'\/usr'/),
      expect.stringMatching(/^internal internal: .*no handle could be made.*'\/usr'/),
      expect.stringMatching(/^not-found /),
    ]);
  });

  it('cannot be made to panic', () => {
    const exported = Object.keys(createRequire(import.meta.url)(usual) as object);
    expect(exported.length).toBeGreaterThan(15);
    expect(exported.filter((name) => /defect/i.test(name))).toEqual([]);
    expect(readFileSync(usual).includes('as the test wished')).toBe(false);
  });
});
