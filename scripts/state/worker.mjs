// One process of scripts/state.mjs: works on shared files with one library, and writes each acknowledged piece of work to
// a file of its own, so that a killed process has said exactly what was acknowledged.
//
//   node worker.mjs <folder of the libraries> <library> increment|append|update|hold|wait <file> <id>

import { closeSync, openSync, promises, readFileSync, readdirSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [, , libraries, library, verb, file, id] = process.argv;
const load = (name) => createRequire(path.join(libraries, 'x.js'))(name);

const acknowledge = (() => {
  const fd = openSync(`${file}.ack-${id}`, 'a');
  process.on('exit', () => closeSync(fd));
  return (text) => writeSync(fd, `${text}\n`);
})();

const record = (n) => JSON.stringify({ id, n, fill: 'x'.repeat(n % 300) });

/** What each library does for one piece of work. A library has no entry for what it cannot do. */
const LIBRARIES = {
  holdfast: () => {
    const { appendRecordSync, updateAtomic, updateJson, withLock } = load('holdfast');
    const forever = { durable: false, timeoutMs: Infinity };
    return {
      increment: async () => (await updateJson(file, (count) => count + 1, { ...forever, ifMissing: 0 })).value,
      append: (n) => appendRecordSync(file, record(n), forever),
      update: (n) => updateAtomic(file, (current = Buffer.alloc(0)) => `${current}${record(n)}\n`, forever),
      hold: (during) => withLock(file, during),
    };
  },
  'proper-lockfile': () => {
    const { lock } = load('proper-lockfile');
    // Its shortest time until a lock counts as stale.
    const options = { realpath: false, stale: 2000, onCompromised: () => {}, retries: { retries: 1e6, minTimeout: 1, maxTimeout: 25, factor: 1.5 } };
    const locked = async (call) => {
      const release = await lock(file, options);
      try {
        return await call();
      } finally {
        await release();
      }
    };
    return {
      increment: () => locked(() => incremented()),
      append: (n) => locked(() => promises.appendFile(file, `${record(n)}\n`)),
      hold: (during) => locked(during),
    };
  },
  '@openclaw/fs-safe': () => {
    const { withFileLock } = load('@openclaw/fs-safe/file-lock');
    // What its host, openclaw, writes into the lock file. By default the lock of a dead process is an error for ever.
    const payload = () => ({ pid: process.pid, createdAt: new Date().toISOString() });
    const options = { retries: { retries: 1e6, factor: 1.5, minTimeout: 1, maxTimeout: 25 }, staleMs: 2000, staleRecovery: 'remove-if-unchanged', payload };
    const locked = (call) => withFileLock(file, options, call);
    return {
      increment: () => locked(() => incremented()),
      append: (n) => locked(() => promises.appendFile(file, `${record(n)}\n`)),
      hold: (during) => locked(during),
    };
  },
  'node:fs': () => ({
    increment: () => incremented(),
    append: (n) => promises.appendFile(file, `${record(n)}\n`),
  }),
};

/** Reads, increments and replaces, as programs without holdfast do it at best: by a rename. */
async function incremented() {
  const text = await promises.readFile(file, 'utf8').catch(() => '0');
  const value = Number(text) + 1;
  await promises.writeFile(`${file}.${process.pid}.new`, String(value));
  await promises.rename(`${file}.${process.pid}.new`, file);
  return value;
}

/** Errors of work whose lock file was removed, which is not acknowledged. */
const ROBBED = /^(lock-lost|conflict|ENOENT|ENOTACQUIRED|ERELEASED|ECOMPROMISED)/;

const work = LIBRARIES[library]()[verb === 'wait' ? 'hold' : verb];
if (work === undefined) {
  process.exit(3);
}
if (verb === 'hold') {
  await work(async () => {
    process.send('held');
    await new Promise((resolve) => process.once('message', resolve));
  });
  process.exit();
}
/** Returns the milliseconds that this thread has waited for a processor while it could run; 0 elsewhere than on Linux. */
function waitedForProcessor() {
  return process.platform === 'linux' ? Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6 : 0;
}

if (verb === 'wait') {
  const began = performance.now();
  const order = [];
  const waiting = Array.from({ length: 1000 }, (_, n) => work(async () => void order.push(n)));
  let [stat, descriptors, delay, last, lastWaited] = [0, 0, 0, performance.now(), waitedForProcessor()];
  // Without the time in which other programs had the processor.
  const clock = setInterval(() => {
    const [now, waited] = [performance.now(), waitedForProcessor()];
    delay = Math.max(delay, now - last - 1 - (waited - lastWaited));
    [last, lastWaited] = [now, waited];
  }, 1);
  const look = setInterval(async () => {
    descriptors = Math.max(descriptors, process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
    const asked = performance.now();
    await promises.stat('/');
    stat = Math.max(stat, performance.now() - asked);
  }, 20);
  await Promise.all(waiting);
  clearInterval(look);
  clearInterval(clock);
  const outOfTurn = order.filter((n, place) => place > 0 && n < order[place - 1]).length;
  const rounded = (number) => Math.round(number * 10) / 10;
  process.send({ served: order.length, milliseconds: Math.round(performance.now() - began), delay: rounded(delay), stat: rounded(stat), descriptors, outOfTurn });
  await new Promise(() => setInterval(() => {}, 1000));
}
for (let n = 0; ; n += 1) {
  let value;
  try {
    value = await work(n);
  } catch (error) {
    if (ROBBED.test(error.code)) continue;
    throw error;
  }
  acknowledge(verb === 'increment' ? value : n);
}
