// Starts worker threads that use the addon, in a process that does not load it itself, and prints what they left.
//   workers.mjs '{ "dir": "…", "workers": 100, "end": "terminate" }'
import * as fs from 'node:fs';
import { Worker } from 'node:worker_threads';

const { dir, workers, end, atOnce = 4 } = JSON.parse(process.argv[2]);
const count = (of) => fs.readdirSync(`/proc/self/${of}`).length;
const name = new URL('./worker.mjs', import.meta.url);

async function one(number) {
  const worker = new Worker(name, { workerData: { dir, own: `w${number}`, end }, stdout: true, stderr: true });
  const errors = [];
  worker.on('error', (error) => errors.push(error.message));
  const over = new Promise((resolve) => worker.once('exit', resolve));
  const ready = new Promise((resolve) => worker.once('message', () => resolve('ready')));
  const first = await Promise.race([ready, over]);
  if (end === 'terminate') {
    // At another moment each time.
    await new Promise((resolve) => setTimeout(resolve, number % 5));
    await worker.terminate();
  }
  const code = await over;
  return { code, errors, wasReady: first === 'ready' };
}

/**
 * Waits until a number has its old value: threads and descriptors of a worker disappear shortly after its end is
 * reported.
 */
async function settled(of, wanted) {
  for (let turn = 0; turn < 500 && count(of) > wanted; turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  return count(of) - wanted;
}

const outcomes = [];
let next = 0;
async function some(upTo) {
  while (next < upTo) outcomes.push(await one(next++));
}
const run = (upTo) => Promise.all(Array.from({ length: atOnce }, () => some(upTo)));

// The first ones start the threads of libuv's pool, which stay.
await run(atOnce * 2);
const before = { fd: count('fd'), task: count('task') };
await run(atOnce * 2 + workers);
const tally = {};
for (const { code, errors, wasReady } of outcomes) {
  const kind = `${wasReady ? 'ready' : 'not ready'}, ${code}${errors.length > 0 ? `, ${errors}` : ''}`;
  tally[kind] = (tally[kind] ?? 0) + 1;
}
const names = fs.readdirSync(dir);
console.log(
  JSON.stringify({
    tally,
    descriptors: await settled('fd', before.fd),
    threads: await settled('task', before.task),
    temporaries: names.filter((one) => one.endsWith('.tmp')).length,
    // Every published file is complete.
    torn: names.filter((one) => /-(write|m0|m1|large)$/.test(one) && fs.statSync(`${dir}/${one}`).size !== 400_000),
    published: names.filter((one) => /-(early|late|staged)-/.test(one)),
    isMapped: /\.node$/m.test(fs.readFileSync('/proc/self/maps', 'latin1')),
  }),
);
