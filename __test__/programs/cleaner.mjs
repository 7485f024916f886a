// Calls cleanStaleTemporaries without a pause until its standard input is closed, then prints the number of calls and
// of removed files.
//   cleaner.mjs DIRECTORY
import { readdirSync } from 'node:fs';
import { cleanStaleTemporaries } from '../../index.mjs';

const dir = process.argv[2];
let isOver = false;
process.stdin.on('end', () => { isOver = true; }).resume();
let calls = 0;
let removed = 0;
console.log('ready');
while (!isOver) {
  removed += (await cleanStaleTemporaries(dir, { olderThanMs: 0 })).length;
  calls += 1;
  if (calls % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}
console.log(JSON.stringify({ calls, removed, left: readdirSync(dir).length }));
