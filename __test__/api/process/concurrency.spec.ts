import * as fs from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ensureDir, openLocalFileSafely, openRootSync, readLocalFileSafely, writeAtomic, writeAtomicSync } from '../../../index.mjs';
import { expectRefusal } from '../../helpers/expectations.js';
import { eventually, failure, openFiles, outcome } from '../../helpers/forms.js';
import { build, modeOf, scratch, strays } from '../../helpers/scratch.js';
import { octal } from '../../helpers/umask.js';

const PROGRAM = fileURLToPath(new URL('../../programs/racer.mjs', import.meta.url));

/** Runs one of the programs of racer.mjs and returns its output. */
async function racer(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
  return printed;
}

describe('asynchronous writes on one target', () => {
  test('publish in call order without an await', async () => {
    for (let round = 0; round < 20; round += 1) {
      const file = `${scratch()}/f`;
      // Decreasing sizes, so that a later call would be ready sooner.
      const calls = Array.from({ length: 20 }, (_, number) => writeAtomic(file, `${number}:${'x'.repeat((20 - number) * 20_000)}`, { durable: false }));
      await calls.at(-1);
      expect(fs.readFileSync(file, 'utf8').split(':')[0]).toBe('19');
      await Promise.all(calls);
      expect(fs.readFileSync(file, 'utf8').split(':')[0]).toBe('19');
    }
  });

  test('a failed one does not block those behind it', async () => {
    const dir = scratch();
    build(dir, ['f: old', 'f2 == f']);
    const calls = [
      outcome(() => writeAtomic(`${dir}/f`, 'refused', { hardlinks: 'reject' })),
      outcome(() => writeAtomic(`${dir}/f`, 'refused', { overwrite: false })),
      outcome(() => writeAtomic(`${dir}/f`, 'written')),
    ];
    const [first, second, third] = await Promise.all(calls);
    expectRefusal(first!.error, 'hardlink');
    expectRefusal(second!.error, 'already-exists');
    expect(third!.error).toBeUndefined();
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('written');
  });

  test('have one target under every spelling of the path', async () => {
    const dir = `${scratch()}/ü`;
    fs.mkdirSync(dir);
    const cwd = process.cwd();
    process.chdir(dir);
    try {
      for (let round = 0; round < 20; round += 1) {
        for (const name of ['f', 'é€']) {
          const spellings = [`${dir}/${name}`, name, `./${name}`, Buffer.from(name), pathToFileURL(`${dir}/${name}`), `${dir}//${name}`, Buffer.from(`${dir}/${name}`)];
          const calls = spellings.map((file, number) => writeAtomic(file, `${number}:${'x'.repeat((spellings.length - number) * 100_000)}`, { durable: false }));
          await Promise.all(calls);
          expect(fs.readFileSync(name, 'utf8')[0]).toBe(String(spellings.length - 1));
        }
      }
    } finally {
      process.chdir(cwd);
    }
  });

  test('have one target through any root, and without one', async () => {
    const dir = scratch();
    fs.mkdirSync(`${dir}/d`);
    fs.symlinkSync('d', `${dir}/ln`);
    const [one, two, above] = [openRootSync(`${dir}/ln`), openRootSync(`${dir}/d`), openRootSync(dir)];
    const ways: ((data: Buffer | string, durable: boolean) => Promise<unknown>)[] = [
      (data, durable) => one.writeAtomic('f', data, { durable }),
      (data, durable) => one.writeAtomic(`${dir}/d/f`, data, { durable }),
      (data, durable) => two.writeAtomic('./f', data, { durable }),
      (data, durable) => above.writeAtomic('d//f', data, { durable }),
      (data, durable) => two.writeAtomicMany([{ file: 'f', data }], { durable }),
      (data, durable) => writeAtomic('d/f', data, { durable, root: dir }),
      (data, durable) => writeAtomic(`${dir}/d/f`, data, { durable }),
    ];
    const large = Buffer.alloc(2_000_000, 'x');
    for (const [first, slow] of ways.entries()) {
      for (const [second, quick] of ways.entries()) {
        await Promise.all([slow(large, true), quick('last', false)]);
        expect(fs.readFileSync(`${dir}/d/f`, 'utf8').slice(0, 4), `${first} then ${second}`).toBe('last');
      }
    }
    for (const root of [one, two, above]) root.close();
  });

  test('a relative path means the working directory at the time of the call', async () => {
    const dir = scratch();
    build(dir, ['one/', 'two/']);
    const cwd = process.cwd();
    try {
      process.chdir(`${dir}/one`);
      const calls = [writeAtomic('f', '1'), writeAtomic('f', '2'), ensureDir('made'), readLocalFileSafely('none').catch((error: unknown) => error)] as const;
      process.chdir(`${dir}/two`);
      await Promise.all(calls);
    } finally {
      process.chdir(cwd);
    }
    expect(fs.readFileSync(`${dir}/one/f`, 'utf8')).toBe('2');
    expect(fs.readdirSync(`${dir}/one`).sort()).toEqual(['f', 'made']);
    expect(fs.readdirSync(`${dir}/two`)).toEqual([]);
  });

  test('a path given as a Buffer or URL keeps its value as of the call', async () => {
    const refused = (call: Promise<unknown>) => call.then(() => expect.unreachable('it was not refused'), (error: unknown) => error);
    for (const kind of ['waiting', 'streaming', 'rooted', 'missing', 'ensured', 'refused'] as const) {
      const dir = scratch();
      build(dir, ['one/x: 1', 'two/x: 2']);
      for (const at of [Buffer.from(`${dir}/one/f`), pathToFileURL(`${dir}/one/f`)]) {
        const source = (async function* () {
          yield 'new';
          await new Promise((resolve) => setTimeout(resolve, 5));
        })();
        const calls = {
          waiting: () => [writeAtomic(at, 'x'.repeat(2_000_000)), writeAtomic(at, 'new')],
          streaming: () => [writeAtomic(at, source)],
          rooted: () => [writeAtomic(at, 'new', { root: dir })],
          missing: () => [refused(readLocalFileSafely(at)), refused(readLocalFileSafely(at, { root: dir })), refused(openLocalFileSafely(at))],
          refused: () => {
            fs.mkdirSync(`${dir}/one/f`);
            return [refused(writeAtomic(at, 'new')), refused(writeAtomic(at, ['new'])), refused(writeAtomic(at, 'new', { root: dir, overwrite: false })), refused(readLocalFileSafely(at))];
          },
          ensured: () => [ensureDir(at), ensureDir(at, { root: dir })],
        }[kind]();
        if (at instanceof URL) at.pathname = `${dir}/two/f`;
        else at.write('two', at.length - 5);
        const answers = await Promise.all(calls as Promise<{ path?: string }>[]);
        for (const answer of answers) expect(answer.path, kind).toBe(`${dir}/one/f`);
        expect(fs.readdirSync(`${dir}/two`), kind).toEqual(['x']);
        fs.rmSync(`${dir}/one/f`, { recursive: true, force: true });
      }
    }
  });

  test('a stream and a rooted call take a relative path from the working directory at the time of the call', async () => {
    const dir = scratch();
    build(dir, ['one/', 'two/']);
    const cwd = process.cwd();
    try {
      process.chdir(`${dir}/one`);
      const source = (async function* () {
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield 'streamed';
      })();
      const calls = [writeAtomic('s', source), writeAtomic('r', 'rooted', { root: '.' }), ensureDir('d', { root: '.' })] as const;
      process.chdir(`${dir}/two`);
      expect((await Promise.all(calls)).map((result) => result.path)).toEqual([`${dir}/one/s`, `${dir}/one/r`, `${dir}/one/d`]);
    } finally {
      process.chdir(cwd);
    }
    expect(fs.readdirSync(`${dir}/two`)).toEqual([]);
  });

  test('a stream enters the queue when its data have ended', async () => {
    const file = `${scratch()}/f`;
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const streamed = writeAtomic(file, (async function* () {
      yield 'str';
      await finished;
      yield 'eamed';
    })());
    await writeAtomic(file, 'at once');
    expect(fs.readFileSync(file, 'utf8')).toBe('at once');
    finish();
    await streamed;
    expect(fs.readFileSync(file, 'utf8')).toBe('streamed');
  });

  test('an endless stream does not block writes to its target', async () => {
    const dir = scratch();
    const abort = new AbortController();
    const stuck = writeAtomic(`${dir}/f`, (async function* () {
      yield 'x';
      await new Promise(() => {});
    })(), { signal: abort.signal });
    await writeAtomic(`${dir}/f`, 'done');
    expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe('done');
    abort.abort();
    await expect(stuck).rejects.toBe(abort.signal.reason);
    await eventually(() => expect(fs.readdirSync(dir)).toEqual(['f']));
  });

  test('a sync call does not wait for them', async () => {
    const file = `${scratch()}/f`;
    const writing = writeAtomic(file, 'x'.repeat(5_000_000));
    const { size } = writeAtomicSync(file, 'now');
    expect(size).toBe(3);
    await writing;
    expect(['now', 'x'.repeat(5_000_000)]).toContain(fs.readFileSync(file, 'utf8'));
  });

  test('on many targets run concurrently and all succeed', async () => {
    const dir = scratch();
    const open = openFiles();
    await Promise.all(Array.from({ length: 200 }, (_, number) => writeAtomic(`${dir}/${number}`, `content ${number}`, { durable: false })));
    for (let number = 0; number < 200; number += 1) expect(fs.readFileSync(`${dir}/${number}`, 'utf8')).toBe(`content ${number}`);
    expect(fs.readdirSync(dir).length).toBe(200);
    expect(openFiles()).toEqual(open);
  });
});

describe('many at once', () => {
  test('of 64 callers with overwrite: false exactly one wins, and its content is there', async () => {
    for (let round = 0; round < 5; round += 1) {
      const dir = scratch();
      const outcomes = await Promise.all(Array.from({ length: 64 }, (_, number) => outcome(() => writeAtomic(`${dir}/f`, `caller ${number}`, { overwrite: false, durable: false }))));
      const winners = outcomes.flatMap(({ error }, number) => (error ? [] : [number]));
      expect(winners.length).toBe(1);
      for (const { error } of outcomes) if (error) expectRefusal(error, 'already-exists');
      expect(fs.readFileSync(`${dir}/f`, 'utf8')).toBe(`caller ${winners[0]}`);
      expect(fs.readdirSync(dir)).toEqual(['f']);
    }
  });

  test('of 4 processes with overwrite: false exactly one wins every round', async () => {
    const dir = scratch();
    const rounds = 200;
    const wins = await Promise.all(Array.from({ length: 4 }, (_, number) => racer('create', dir, String(rounds), String(number))));
    const all = wins.flatMap((printed) => printed.trim().split(/\s+/).filter(Boolean));
    expect(all.length).toBe(rounds);
    expect(new Set(all).size).toBe(rounds);
    expect(strays(dir)).toEqual([]);
  });

  test('64 callers that ensure one deep path all succeed', async () => {
    for (let round = 0; round < 5; round += 1) {
      const dir = scratch();
      const deep = `${dir}/a/b/c/d/e/f/g/h`;
      const results = await Promise.all(Array.from({ length: 64 }, () => ensureDir(deep)));
      for (const result of results) expect(result).toMatchObject({ path: deep, mode: 0o700, isPrivate: true });
      expect(results.filter(({ firstCreated }) => firstCreated === `${dir}/a`).length).toBe(1);
      for (let at = deep; at !== dir; at = at.slice(0, -2)) expect(octal(modeOf(at))).toBe('0700');
    }
  });

  test('4 processes that ensure the same paths all succeed', async () => {
    const dir = scratch();
    await Promise.all(Array.from({ length: 4 }, () => racer('ensure', dir, '200')));
    expect(fs.readdirSync(dir).length).toBe(200);
    for (const name of fs.readdirSync(dir)) expect(octal(modeOf(`${dir}/${name}/a/b`))).toBe('0700');
  });

  test('64 writes with mkdir into one missing directory all succeed', async () => {
    const dir = scratch();
    await Promise.all(Array.from({ length: 64 }, (_, number) => writeAtomic(`${dir}/a/b/${number}`, `${number}`, { mkdir: true, durable: false })));
    expect(fs.readdirSync(`${dir}/a/b`).length).toBe(64);
  });

  test('two processes write one file, and a reader sees one whole version every time', async () => {
    const dir = scratch();
    build(dir, [`f: ${'0'.repeat(20_000)}`]);
    let writing = true;
    const writers = Promise.all([racer('write', `${dir}/f`, '400', 'a'), racer('write', `${dir}/f`, '400', 'b')]).finally(() => (writing = false));
    let reads = 0;
    while (writing) {
      const text = (await readLocalFileSafely(`${dir}/f`)).buffer.toString();
      expect(text.length).toBe(20_000);
      expect(new Set(text).size).toBe(1);
      reads += 1;
    }
    await writers;
    expect(reads).toBeGreaterThan(10);
    expect(fs.readdirSync(dir)).toEqual(['f']);
  });

  test('one failed read among many does not affect the others', async () => {
    const dir = scratch();
    build(dir, ['f: content', 'd/', 'pipe |']);
    const open = openFiles();
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, number) => {
        const name = ['f', 'd', 'missing', 'pipe'][number % 4]!;
        if (name === 'f') return (await readLocalFileSafely(`${dir}/f`)).buffer.toString();
        return (await failure(() => readLocalFileSafely(`${dir}/${name}`))).code;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 300 }, (_, number) => ['content', 'not-file', 'not-found', 'not-file'][number % 4]));
    expect(openFiles()).toEqual(open);
  });
});

describe.runIf(process.platform !== 'win32')('concurrent creators of directories', () => {
  test('leave none at the bits of the umask, also where one has made an entry in the directory of another', () => {
    const dir = scratch();
    const script = `
      const { ensureDir } = require(${JSON.stringify(process.cwd())});
      process.umask(0o077);
      (async () => {
        for (let k = 0; k < 300; k += 1) await Promise.all(['a/b', 'a/b', 'a', 'a/b'].map((at) => ensureDir(process.argv[1] + '/' + k + '/' + at, { mode: 0o750 })));
      })();`;
    const { stderr, status } = spawnSync(process.execPath, ['-e', script, dir], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const modes = fs.readdirSync(dir).flatMap((k) => ['', '/a', '/a/b'].map((at) => octal(modeOf(`${dir}/${k}${at}`))));
    expect(modes).toEqual(Array(900).fill('0750'));
  });
});
