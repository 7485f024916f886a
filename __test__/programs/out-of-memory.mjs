// Reads a file that exceeds the process's limit of address space, in both forms, then writes data without room for a
// second copy, and prints the outcomes. Started by size.spec.ts, because the limit would affect the test runner.
//   out-of-memory.mjs FILE
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isHoldfastError, readLocalFileSafely, readLocalFileSafelySync, writeAtomic, writeAtomicMany } from '../../index.mjs';

const file = process.argv[2];
readLocalFileSafelySync(import.meta.filename);
await readLocalFileSafely(import.meta.filename);
const large = new Uint8Array(300 * 2 ** 20);
const target = `${file}.written`;
await writeAtomicMany([{ file: target, data: 'old' }]);

const used = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
const limited = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${used + 200 * 2 ** 20}`], { encoding: 'utf8' });
if (limited.status !== 0) throw new Error(limited.stderr);

const shown = (error) => ({ isError: error instanceof Error, code: error.code, isHoldfastError: isHoldfastError(error) });
const answers = [];
const waiting = async () => {
  const first = writeAtomic(target, 'old');
  await Promise.all([first, writeAtomic(target, large)]);
};
const many = async () => {
  const [result] = await writeAtomicMany([{ file: target, data: large }]);
  throw result.reason;
};
for (const call of [
  () => readLocalFileSafely(file),
  () => readLocalFileSafelySync(file),
  () => writeAtomic(target, large),
  waiting,
  many,
]) {
  try {
    await call();
    answers.push('read');
  } catch (error) {
    answers.push(shown(error));
  }
}
answers.push(readLocalFileSafelySync(import.meta.filename).buffer.length > 0 ? 'goes on' : 'broken');
answers.push(readFileSync(target, 'utf8'));
console.log(JSON.stringify(answers));
