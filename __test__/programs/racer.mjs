// One of several processes that race for the same names. Started by concurrency.spec.ts.
//   racer.mjs create DIR ROUNDS ID   makes DIR/0, DIR/1… exclusively and prints the numbers it won
//   racer.mjs ensure DIR ROUNDS      ensures DIR/0/a/b, DIR/1/a/b…
//   racer.mjs write FILE ROUNDS CHAR writes FILE with 20,000 times CHAR
import { ensureDirSync, writeAtomicSync } from '../../index.mjs';

const [verb, at, rounds, id] = process.argv.slice(2);

const verbs = {
  create(round) {
    try {
      writeAtomicSync(`${at}/${round}`, id, { overwrite: false, durable: false });
      console.log(round);
    } catch (error) {
      if (error.code !== 'already-exists') throw error;
    }
  },
  ensure(round) {
    const { mode, isPrivate } = ensureDirSync(`${at}/${round}/a/b`);
    if (mode !== 0o700 || !isPrivate) throw new Error(`mode ${mode.toString(8)}`);
  },
  write() {
    writeAtomicSync(at, id.repeat(20_000), { durable: false });
  },
};

for (let round = 0; round < Number(rounds); round += 1) verbs[verb](round);
