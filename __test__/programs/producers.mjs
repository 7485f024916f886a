// Writes from a producer that would exhaust a small heap or block the event loop, and prints the result as JSON.
// write-producers.spec.ts runs it with a small heap: a defect would end the test runner.
//   producers.mjs SCENARIO FILE
import { writeAtomic } from '../../index.mjs';

const [scenario, file] = process.argv.slice(2);

const endless = { next: () => ({ done: false, value: '' }) };
const endlessLater = { next: async () => ({ done: false, value: new Uint8Array(0) }) };

function* repeated(chunk, count) {
  for (let sent = 0; sent < count; sent += 1) yield chunk;
}

async function* repeatedLater(chunk, count) {
  for (let sent = 0; sent < count; sent += 1) yield chunk;
}

const silent = new AbortController();
const scenarios = {
  'empty chunks without end': () => writeAtomic(file, { [Symbol.iterator]: () => endless }, { signal: AbortSignal.timeout(200) }),
  'asynchronous empty chunks without end': () => writeAtomic(file, { [Symbol.asyncIterator]: () => endlessLater }, { signal: AbortSignal.timeout(200) }),
  'millions of empty chunks': () => writeAtomic(file, repeated('', 3_000_000)),
  'millions of empty chunks and a signal': () => writeAtomic(file, repeatedLater('', 1_000_000), { signal: silent.signal }),
  'millions of chunks of one byte': () => writeAtomic(file, repeated('x', 2_000_000)),
};

let turns = 0;
const turning = setInterval(() => { turns += 1; }, 5);
const answer = await scenarios[scenario]().then(
  ({ size }) => ({ size }),
  (error) => ({ error: error.name }),
);
clearInterval(turning);
console.log(JSON.stringify({ ...answer, turned: turns > 0 }));
