// Uses every verb, and then starts as much as possible: reads, writes, streams, staged files, roots and handles that
// stay unfinished or open. The caller ends right after.
import * as fs from 'node:fs';
import * as holdfast from '../../../index.mjs';

/** The pending calls: Node 26 ends a process whose collector finds an open `FileHandle`. */
const started = [];

/** A producer whose second piece never comes. */
async function* stuck() {
  yield Buffer.alloc(100_000, 's');
  await new Promise(() => {});
}

/**
 * Uses every verb.
 *
 * @param {string} dir shared by several callers, each with names of its own
 */
export async function useEveryVerb(dir, own) {
  const root = holdfast.openRootSync(dir);
  holdfast.ensureDirSync(`${dir}/${own}-dir`);
  await holdfast.ensureDir(`${dir}/${own}-dir`);
  holdfast.writeAtomicSync(`${dir}/${own}`, own);
  await holdfast.writeAtomic(`${dir}/${own}`, own, { durable: false });
  await holdfast.writeAtomic(`${dir}/${own}-stream`, [own, own], { durable: false });
  await holdfast.writeAtomicMany([{ file: `${own}-a`, data: own }, { file: `${own}-b`, data: own }], { root: dir, durable: false });
  await root.writeAtomic(`${own}-root`, own);
  const answers = [
    holdfast.readLocalFileSafelySync(`${dir}/${own}`),
    await holdfast.readLocalFileSafely(`${dir}/${own}`),
    await holdfast.readLocalFileSafely(own, { root: dir }),
    await root.read(`${own}-root`),
  ];
  for (const { buffer } of answers) if (buffer.toString() !== own) throw new Error(`${own} reads ${buffer}`);
  const { handle } = await holdfast.openLocalFileSafely(`${dir}/${own}`);
  await handle.close();
  try {
    await holdfast.readLocalFileSafely(`${dir}/${own}-none`);
    throw new Error('it should have failed');
  } catch (error) {
    if (error.code !== 'not-found') throw error;
  }
  const staged = await holdfast.stageAtomic(`${dir}/${own}-staged`);
  await staged.handle.writeFile(own);
  await staged.commit();
  root.close();
  for (const name of fs.readdirSync(dir)) {
    if (name === own || name.startsWith(`${own}-`)) fs.rmSync(`${dir}/${name}`, { recursive: true });
  }
}

/**
 * Starts calls that outlast this process, worker or environment, and does not wait for them.
 *
 * For a terminated worker, it excludes calls that make a `FileHandle`: a pending `fs.promises.open` then leaks its
 * descriptor in Node itself.
 *
 * @param {string} dir
 * @param {string} own
 * @param {{ many: number, opens: boolean }} how number of calls of each kind
 */
export async function leaveUnfinished(dir, own, { many, opens }) {
  const held = [holdfast.openRootSync(dir), await holdfast.openRoot(dir)];
  const large = Buffer.alloc(400_000, 'l');
  holdfast.writeAtomicSync(`${dir}/${own}-large`, large, { durable: false });
  const begun = [];
  for (let number = 0; number < 2; number += 1) held.push(await holdfast.stageAtomic(`${dir}/${own}-staged-${number}`));
  for (let number = 0; number < 2; number += 1) begun.push(holdfast.writeAtomic(`${dir}/${own}-early-${number}`, stuck()));
  await new Promise((resolve) => setTimeout(resolve, 1));
  for (let number = 0; number < many; number += 1) {
    begun.push(
      holdfast.writeAtomic(`${dir}/${own}-write`, large, { durable: number % 2 === 0 }),
      holdfast.writeAtomic(`${dir}/${own}-late-${number}`, stuck()),
      holdfast.readLocalFileSafely(`${own}-large`, { root: dir }),
      ...(opens ? [holdfast.openLocalFileSafely(`${dir}/${own}-large`)] : []),
      holdfast.ensureDir(`${dir}/${own}-dir/${number}`),
      holdfast.writeAtomicMany([{ file: `${dir}/${own}-m0`, data: large }, { file: `${dir}/${own}-m1`, data: large }], { durable: false }),
      held[0].read(`${own}-large`),
      held[1].writeAtomic(`${own}-root`, 'data'),
      ...(opens ? [holdfast.stageAtomic(`${dir}/${own}-staged-late-${number}`)] : []),
    );
  }
  for (const call of begun) call.catch(() => {});
  started.push(begun);
  return held;
}
