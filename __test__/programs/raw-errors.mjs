// Makes calls that the system refuses, with holdfast and with node:fs, and prints both errors of each.
// raw-errors.spec.ts starts it as an unprivileged user or with limits.
//   raw-errors.mjs denied DIR   permissions that are missing
//   raw-errors.mjs files DIR    no descriptor left
//   raw-errors.mjs last DIR     one descriptor left, where two are needed
//   raw-errors.mjs size DIR     files limited in size
import * as fs from 'node:fs';
import { ensureDir, ensureDirSync, isHoldfastError, openLocalFileSafely, readLocalFileSafely, readLocalFileSafelySync, writeAtomic, writeAtomicSync } from '../../index.mjs';

const [which, dir] = process.argv.slice(2);

const VERBS = {
  read: [readLocalFileSafely, readLocalFileSafelySync, (file) => fs.closeSync(fs.openSync(file, 'r'))],
  write: [(file) => writeAtomic(file, 'x'), (file) => writeAtomicSync(file, 'x'), (file) => fs.writeFileSync(file, 'x')],
  open: [openLocalFileSafely, openLocalFileSafely, () => {}],
  ensure: [ensureDir, ensureDirSync, (file) => fs.mkdirSync(file, { recursive: true })],
  long: [(file) => writeAtomic(file, 'x'.repeat(100_000)), (file) => writeAtomicSync(file, 'x'.repeat(100_000)), () => {}],
  stream: [(file) => writeAtomic(file, Array(100).fill('x'.repeat(1000))), (file) => writeAtomic(file, Array(100).fill('x'.repeat(1000))), () => {}],
};

const CASES = {
  denied: [
    ['read', 'unreadable'],
    ['read', 'unsearchable/f'],
    ['write', 'unwritable/new'],
    ['write', 'unwritable/f'],
    ['write', 'unsearchable/f'],
    ['ensure', 'unwritable/new'],
    ['ensure', 'unwritable/new/deeper'],
    ['ensure', 'unsearchable/new'],
  ],
  files: [
    ['read', 'f'],
    ['write', 'f'],
    ['write', 'new'],
    ['ensure', 'd'],
    ['open', 'f'],
  ],
  last: [['open', 'f']],
  size: [
    ['long', 'f'],
    ['long', 'new'],
    ['stream', 'f'],
    ['stream', 'new'],
  ],
};

function shown(error) {
  if (!(error instanceof Error)) return 'no error';
  const { name, message, code, errno, syscall, path, dest } = error;
  return { name, message, code, errno, syscall, path, dest, isHoldfastError: isHoldfastError(error), own: Object.keys(error).sort() };
}

async function ended(act) {
  try {
    await act();
    return 'no error';
  } catch (error) {
    return shown(error);
  }
}

// Loads all lazy modules before descriptors run out.
await ended(() => readLocalFileSafely(`${dir}/missing`));
await ended(() => readLocalFileSafelySync(`${dir}/missing`));

const held = [];
const answers = [];
for (const [verb, name] of CASES[which]) {
  const [promised, synced, node] = VERBS[verb];
  if (which === 'files' || which === 'last') {
    try {
      for (;;) held.push(fs.openSync('/dev/null'));
    } catch (error) {
      if (error.code !== 'EMFILE') throw error;
    }
    if (which === 'last') fs.closeSync(held.pop());
  }
  const file = `${dir}/${name}`;
  const answer = { verb, name, promised: await ended(() => promised(file)), synced: await ended(() => synced(file)), node: await ended(() => node(file)) };
  for (const fd of held.splice(0)) fs.closeSync(fd);
  answers.push(answer);
}
console.log(JSON.stringify(answers));
