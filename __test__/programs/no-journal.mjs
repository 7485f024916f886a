// Writes files durably to a file system without a journal, and copies the disk after each success, as a power loss would
// leave it. Prints what each copy has after e2fsck. Runs in a mount namespace of its own.
//
// Usage: node no-journal.mjs DIR MKFS [ARGUMENT…]
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as holdfast from '../../index.mjs';

const [dir, mkfs, ...args] = process.argv.slice(2);
const disk = path.join(dir, 'disk');
const mounted = path.join(dir, 'mounted');
const at = (name) => path.join(mounted, name);
const run = (command, ...rest) => execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] });

async function* chunks() {
  yield 'new';
}

/** Each writes a file of its own name. */
const writes = {
  'writeAtomicSync': (file) => holdfast.writeAtomicSync(file, 'new'),
  'writeAtomic': (file) => holdfast.writeAtomic(file, 'new'),
  "durable: 'file'": (file) => holdfast.writeAtomic(file, 'new', { durable: 'file' }),
  'overwrite: false': (file) => holdfast.writeAtomic(file, 'new', { overwrite: false }),
  'a stream': (file) => holdfast.writeAtomic(file, chunks()),
  'writeAtomicMany': (file) => holdfast.writeAtomicMany([{ file, data: 'new' }]),
  'stageAtomic': async (file) => {
    const staged = await holdfast.stageAtomic(file);
    await staged.handle.writeFile('new');
    await staged.commit();
  },
  'updateAtomic': (file) => holdfast.updateAtomic(file, () => 'new'),
  'copy': async (file) => {
    const root = holdfast.openRootSync(mounted);
    fs.writeFileSync(at('source'), 'new');
    await root.copy('source', path.basename(file), { overwrite: true });
    root.close();
  },
  'appendRecordSync': (file) => holdfast.appendRecordSync(file, 'new'),
};

fs.mkdirSync(mounted);
run('truncate', '--size', '8M', disk);
run(mkfs, '-q', '-F', ...args, disk);
run('mount', '-o', 'loop', disk, mounted);
const copies = [];
for (const [what, write] of Object.entries(writes)) {
  for (const old of [undefined, 'old']) {
    if (old !== undefined && (what === 'overwrite: false' || what === 'appendRecordSync')) continue;
    const name = `f${copies.length}`;
    if (old !== undefined) fs.writeFileSync(at(name), old);
    run('sync', '--file-system', mounted);
    await write(at(name));
    copies.push({ what: `${what}, ${old === undefined ? 'a new file' : 'an existing file'}`, name, copy: `${disk}-${name}` });
    run('cp', '--sparse=always', disk, `${disk}-${name}`);
  }
}
run('umount', mounted);

const found = {};
for (const { what, name, copy } of copies) {
  // The status says whether something was repaired.
  spawnSync('e2fsck', ['-fy', copy]);
  run('mount', '-o', 'loop', copy, mounted);
  found[what] = fs.existsSync(at(name)) ? fs.readFileSync(at(name), 'utf8') : 'nothing';
  run('umount', mounted);
  fs.rmSync(copy);
}
console.log(JSON.stringify(found));
