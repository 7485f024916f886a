// Makes many calls, or a large one, in a process of its own, and prints their costs. Started by fast-path.spec.ts.
//   crowd.mjs delay KIND COUNT DIR   how long the event loop stood still, in milliseconds
//   crowd.mjs counts KIND COUNT DIR  most descriptors and threads at any time
//   crowd.mjs memory FORM FILE       most memory the process ever had, in bytes
//   crowd.mjs unhandled DIR          how often `unhandledRejection` was raised, for three calls of each kind
import * as fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import * as holdfast from '../../index.mjs';

const { ensureDir, openLocalFileSafely, openRoot, openRootSync, readLocalFileSafely, readLocalFileSafelySync, writeAtomic, writeAtomicMany } = holdfast;
const [which, ...args] = process.argv.slice(2);
const QUICK = { durable: false, mode: 0o600 };
const DATA = 'x'.repeat(1024);

/** The handwritten code of a user. */
async function writeByHand(file) {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await fs.promises.open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(DATA);
    await handle.chmod(0o600);
  } finally {
    await handle.close();
  }
  await fs.promises.rename(temporary, file);
}

const KINDS = {
  read: (dir, n) => readLocalFileSafely(`${dir}/small${n % 10}`),
  'read-large': (dir) => readLocalFileSafely(`${dir}/large`),
  'read-rooted': (dir, n) => readLocalFileSafely(`small${n % 10}`, { root: dir }),
  ensure: (dir) => ensureDir(`${dir}/private`),
  write: (dir, n) => writeAtomic(`${dir}/w${n}`, DATA, QUICK),
  many: (dir, n) => writeAtomicMany(Array.from({ length: 64 }, (_, at) => ({ file: `${dir}/m${n}-${at}`, data: DATA })), QUICK),
  'peer-read': (dir, n) => fs.promises.readFile(`${dir}/small${n % 10}`),
  'peer-ensure': (dir) => fs.promises.mkdir(`${dir}/private`, { recursive: true, mode: 0o700 }),
  'peer-write': (dir, n) => writeByHand(`${dir}/p${n}`),
};

/** Drops every result at once, as a server drops sent data. */
async function crowd(kind, count, dir) {
  let failures = 0;
  const calls = Array.from({ length: count }, (_, n) =>
    KINDS[kind](dir, n).then(
      () => {},
      () => void (failures += 1),
    ),
  );
  await Promise.all(calls);
  return failures;
}

const inUse = () => ({ descriptors: fs.readdirSync('/proc/self/fd').length, threads: fs.readdirSync('/proc/self/task').length });

const REJECTED = {
  'read missing': (dir) => readLocalFileSafely(`${dir}/missing`),
  'read link': (dir) => readLocalFileSafely(`${dir}/link`),
  'read arguments': () => readLocalFileSafely(7),
  'read root': (dir) => readLocalFileSafely('f', { root: `${dir}/missing` }),
  'read aborted': (dir) => readLocalFileSafely(`${dir}/f`, { signal: AbortSignal.abort() }),
  'open missing': (dir) => openLocalFileSafely(`${dir}/missing`),
  'write directory': (dir) => writeAtomic(`${dir}/d`, 'x'),
  'write arguments': (dir) => writeAtomic(`${dir}/f`, 7),
  'write stream': (dir) =>
    writeAtomic(
      `${dir}/f`,
      (async function* () {
        yield 'x';
        throw new Error('of the stream');
      })(),
    ),
  'write queued': (dir) => {
    void writeAtomic(`${dir}/g`, 'x');
    return writeAtomic(`${dir}/g`, 'x', { overwrite: false });
  },
  'many arguments': (dir) => writeAtomicMany([{ file: `${dir}/f`, data: 7 }]),
  'many root': (dir) => writeAtomicMany([{ file: 'f', data: 'x' }], { root: `${dir}/missing` }),
  'ensure file': (dir) => ensureDir(`${dir}/f`),
  'ensure arguments': (dir) => ensureDir(`${dir}/d`, { existing: 'chmod' }),
  'openRoot missing': (dir) => openRoot(`${dir}/missing`),
  'root read': (dir) => openRootSync(dir).read('missing'),
  'root open': (dir) => openRootSync(dir).open('missing'),
  'root write': (dir) => openRootSync(dir).writeAtomic('d', 'x'),
  'root many': (dir) => openRootSync(dir).writeAtomicMany([7]),
  'root ensure': (dir) => openRootSync(dir).ensureDir('f'),
  'root outside': (dir) => openRootSync(dir).read('../x'),
};

const FULFILLED = (dir) => {
  const root = openRootSync(dir);
  void readLocalFileSafely(`${dir}/f`);
  void writeAtomic(`${dir}/new`, 'x');
  void writeAtomicMany([{ file: `${dir}/many`, data: 'x' }, { file: `${dir}/missing/f`, data: 'x' }]);
  void ensureDir(`${dir}/d`);
  void openRoot(dir).then((opened) => opened.close());
  void root.read('f');
  void root.writeAtomic('new', 'y');
  void root.writeAtomicMany([{ file: 'd', data: 'x' }]);
  void root.ensureDir('d');
};

const MODES = {
  delay: async (kind, count, dir) => {
    await crowd(kind, 20, dir);
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    await sleep(20);
    histogram.reset();
    const began = performance.now();
    const failures = await crowd(kind, Number(count), dir);
    const took = performance.now() - began;
    await sleep(20);
    histogram.disable();
    return { failures, took, max: histogram.max / 1e6, p99: histogram.percentile(99) / 1e6 };
  },
  counts: async (kind, count, dir) => {
    await crowd(kind, 20, dir);
    await sleep(20);
    const before = inUse();
    const most = inUse();
    let samples = 0;
    const look = () => {
      samples += 1;
      const now = inUse();
      for (const name of Object.keys(most)) most[name] = Math.max(most[name], now[name]);
    };
    const timer = setInterval(look, 1);
    const running = crowd(kind, Number(count), dir);
    look();
    const failures = await running;
    look();
    clearInterval(timer);
    await sleep(50);
    return { failures, before, most, after: inUse(), samples };
  },
  memory: async (form, file) => {
    const length = { nothing: () => 0, sync: () => readLocalFileSafelySync(file).buffer.length, promise: async () => (await readLocalFileSafely(file)).buffer.length }[form];
    readLocalFileSafelySync(import.meta.filename);
    const read = await length();
    // The kernel's count for this program: maxRSS includes the memory of the process before it became node.
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'));
    return { read, most: Number(kib) * 1024, maxRSS: process.resourceUsage().maxRSS * 1024 };
  },
  unhandled: async (dir) => {
    let raised = 0;
    process.on('unhandledRejection', () => (raised += 1));
    const found = {};
    for (const [name, call] of Object.entries({ ...REJECTED, fulfilled: FULFILLED })) {
      raised = 0;
      // More than once: before the mount is known, and afterwards.
      for (let round = 0; round < 3; round += 1) {
        const before = raised;
        void call(dir);
        // Waits until it comes: a late one would count for the next kind.
        for (const end = Date.now() + 20_000; name !== 'fulfilled' && raised === before && Date.now() < end; ) await sleep(2);
        await sleep(12);
      }
      await sleep(12);
      found[name] = raised;
    }
    return found;
  },
};

process.stdout.write(JSON.stringify(await MODES[which](...args)));
