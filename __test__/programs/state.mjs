// A process that works on shared state, for the specs of locks, updates and appends. It prints a line for each event, and
// reads commands from its input.
//
//   node state.mjs hold <path> [shared]        holds a lock until "release" or its end
//   node state.mjs increment <file> <times>    increments a number in JSON; prints each acknowledged value
//   node state.mjs append <file> <times> <id>  appends records {"id", "n"}; prints each acknowledged n
import { createInterface } from 'node:readline';
import { acquireLock, appendRecordSync, updateJson } from '../../index.mjs';

const [, , verb, file, second, third] = process.argv;
const say = (text) => process.stdout.write(`${text}\n`);

if (verb === 'hold') {
  const lock = await acquireLock(file, { shared: second === 'shared' });
  say('held');
  createInterface({ input: process.stdin }).on('line', async () => {
    await lock.release();
    say('released');
    process.exit();
  });
  setInterval(() => {}, 1000);
} else if (verb === 'increment') {
  for (let n = 0; n < Number(second); n += 1) {
    const { value } = await updateJson(file, (count) => count + 1, { ifMissing: 0, durable: false, timeoutMs: Infinity });
    say(value);
  }
} else {
  for (let n = 0; n < Number(second); n += 1) {
    appendRecordSync(file, JSON.stringify({ id: third, n, fill: 'x'.repeat(n % 200) }), { durable: false, timeoutMs: Infinity });
    say(n);
  }
}
