// Executes the plan with the built addon. Marks the start and the acknowledgement of each write in the disk's log. A
// mark is in the log before the next line here runs.
//   node workload.mjs <mounted directory> <marks> <seed> <steps>

import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { contentOf, makePlan, nameOfVersion, recordOf } from './plan.mjs';

const holdfast = createRequire(import.meta.url)('../../index.js');

const [mounted, marksFile, seed, steps] = process.argv.slice(2);
const plan = makePlan({ seed: Number(seed), steps: Number(steps) });
const marks = openSync(marksFile, 'w');
const mark = (word, { file, version }) => writeSync(marks, `${word} ${file} ${version}`);

const root = holdfast.openRootSync(path.join(mounted, 'root'));
const absolute = (write) => path.join(mounted, 'plain', plan.files[write.file].name);
const relative = (write) => plan.files[write.file].name;

const roots = { plain: holdfast.openRootSync(path.join(mounted, 'plain')), root };

/** Renames a file to the name of its next version; the first one is written. */
async function move(place, write) {
  const file = plan.files[write.file];
  const [from, to] = [write.version - 1, write.version].map((version) => nameOfVersion(file, Math.max(version, 1)));
  const options = { ...write.options, mkdir: true };
  if (write.version === 1) return roots[place].writeAtomic(to, contentOf(write.file, 1), options);
  return write.version % 2 === 0 ? roots[place].rename(from, to, options) : roots[place].renameSync(from, to, options);
}

/** Access to each directory: by absolute path, or beneath a root. */
const places = {
  plain: {
    sync: (write, data) => holdfast.writeAtomicSync(absolute(write), data, write.options),
    async: (write, data) => holdfast.writeAtomic(absolute(write), data, write.options),
    many: (entries) => holdfast.writeAtomicMany(entries),
    stage: (write) => holdfast.stageAtomic(absolute(write), write.options),
    append: (write, record) => holdfast.appendRecordSync(absolute(write), record, write.options),
    'append-async': (write, record) => holdfast.appendRecord(absolute(write), record, write.options),
    name: absolute,
  },
  root: {
    sync: (write, data) => root.writeAtomicSync(relative(write), data, write.options),
    async: (write, data) => root.writeAtomic(relative(write), data, write.options),
    many: (entries) => root.writeAtomicMany(entries),
    stage: (write) => holdfast.stageAtomic(relative(write), { ...write.options, root: path.join(mounted, 'root') }),
    append: (write, record) => root.appendRecordSync(relative(write), record, write.options),
    'append-async': (write, record) => root.appendRecord(relative(write), record, write.options),
    name: relative,
  },
};

/** Checks that the acknowledged durability is the requested one. A lesser one would weaken every check. */
function acknowledge(write, result) {
  if (result.durable !== write.options.durable) {
    throw new Error(`${plan.files[write.file].name}: asked for durable ${write.options.durable}, got ${result.durable}`);
  }
  if (write.options.durable === true) mark('durable', write);
}

function* inPieces(data) {
  for (let at = 0; at < data.length; at += 9000) yield data.subarray(at, at + 9000);
}

/** Writes like a download: through another descriptor, without a sync. */
async function staged(file, data) {
  await file.handle.writeFile(data);
  return file.commit();
}

async function run({ place, how, writes }) {
  const via = places[place];
  if (how.startsWith('append')) {
    for (const write of writes) {
      mark('start', write);
      acknowledge(write, await via[how](write, recordOf(write.file, write.version)));
    }
    return;
  }
  for (const write of writes) mark('start', write);
  if (how === 'move') {
    for (const write of writes) acknowledge(write, await move(place, write));
    return;
  }
  if (how === 'sync') {
    for (const write of writes) acknowledge(write, via.sync(write, contentOf(write.file, write.version)));
    return;
  }
  if (how === 'many') {
    const entries = writes.map((write) => ({
      file: via.name(write),
      data: contentOf(write.file, write.version),
      options: write.options,
    }));
    const outcomes = await via.many(entries);
    outcomes.forEach((outcome, n) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      acknowledge(writes[n], outcome.value);
    });
    return;
  }
  await Promise.all(
    writes.map(async (write) => {
      const data = contentOf(write.file, write.version);
      if (how === 'stage') acknowledge(write, await staged(await via.stage(write), data));
      else acknowledge(write, await via.async(write, how === 'stream' ? inPieces(data) : data));
    }),
  );
}

for (const step of plan.steps) await run(step);
writeSync(marks, 'end');
