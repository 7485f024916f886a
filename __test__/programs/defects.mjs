// Makes the addon panic at one point after another, in one process, and prints the outcome of each call. Started by
// defects.spec.ts with a special build of the addon (HOLDFAST_NATIVE_PATH).
//   node --expose-gc defects.mjs FOLDER
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as holdfast from '../../index.mjs';

const dir = process.argv[2];
const { defectArm } = createRequire(import.meta.url)(process.env.HOLDFAST_NATIVE_PATH);

const LARGE = 1 << 20;
writeFileSync(`${dir}/small`, 'small');
writeFileSync(`${dir}/large`, Buffer.alloc(LARGE));
mkdirSync(`${dir}/made`, { mode: 0o755 });
const pinned = holdfast.openRootSync(dir);
let count = 0;
/** Returns an unused name. */
const fresh = () => `${dir}/fresh-${(count += 1)}`;
const pieces = () => ['one ', 'two ', 'three'].map((piece) => piece.padEnd(70_000, '.'));
const many = (files) => files.map((file) => ({ file, data: 'many' }));

/** Every verb, with its expected outcome without a panic. */
const VERBS = {
  readSync: () => holdfast.readLocalFileSafelySync(`${dir}/small`).buffer.length === 5,
  readLargeSync: () => holdfast.readLocalFileSafelySync(`${dir}/large`).buffer.length === LARGE,
  read: async () => (await holdfast.readLocalFileSafely(`${dir}/small`)).buffer.length === 5,
  readLarge: async () => (await holdfast.readLocalFileSafely('large', { root: dir })).buffer.length === LARGE,
  open: async () => {
    const { handle } = await holdfast.openLocalFileSafely(`${dir}/small`);
    await handle.close();
    return true;
  },
  ensureDirSync: () => holdfast.ensureDirSync(fresh()).hardening === 'created',
  ensureDir: async () => (await holdfast.ensureDir(fresh())).hardening === 'created',
  writeSync: () => holdfast.writeAtomicSync(fresh(), 'data').size === 4,
  write: async () => (await holdfast.writeAtomic(fresh(), 'data')).size === 4,
  writeStream: async () => (await holdfast.writeAtomic(fresh(), pieces())).size === 210_000,
  writeMany: async () => (await holdfast.writeAtomicMany(many([fresh(), fresh(), fresh()]))).every(({ status }) => status === 'fulfilled'),
  stage: async () => {
    const staged = await holdfast.stageAtomic(fresh());
    try {
      await staged.handle.writeFile('data');
      return (await staged.commit()).size === 4;
    } catch (error) {
      await staged.abort();
      throw error;
    }
  },
  cleanStale: async () => Array.isArray(await holdfast.cleanStaleTemporaries(dir, { olderThanMs: 3_600_000 })),
  openRootSync: () => {
    holdfast.openRootSync(dir).close();
    return true;
  },
  openRoot: async () => {
    (await holdfast.openRoot(dir)).close();
    return true;
  },
  rootReadSync: () => pinned.readSync('small').buffer.length === 5,
  rootRead: async () => (await pinned.read('large')).buffer.length === LARGE,
  rootWrite: async () => (await pinned.writeAtomic(`fresh-${(count += 1)}`, 'data')).size === 4,
};

const descriptors = () => readdirSync('/proc/self/fd').length;
const temporaries = () => readdirSync(dir).filter((name) => name.endsWith('.tmp')).length;

async function outcome(call) {
  try {
    return { ok: await call() };
  } catch (error) {
    return {
      code: error.code,
      brand: holdfast.isHoldfastError(error),
      says: String(error.message),
      told: JSON.stringify(error.toPublic?.()),
    };
  }
}

/** Collects all garbage of an iteration. */
async function collect() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const verb of Object.values(VERBS)) await verb();
await collect();
const before = descriptors();

const answers = [];
async function look(place, name, passes, broken, then) {
  await collect();
  answers.push({ place, name, passes, broken, then, descriptors: descriptors() - before, temporaries: temporaries() });
}

for (const place of ['argument', 'core', 'job', 'answer', 'thread']) {
  for (const [name, call] of Object.entries(VERBS)) {
    // Further into the call each time, until the call no longer reaches the point.
    for (let passes = 0; ; passes += 1) {
      defectArm(place, passes);
      const broken = await outcome(call);
      if (!defectArm('nowhere', 0)) break;
      await look(place, name, passes, broken, await outcome(call));
    }
  }
}

/** Objects for the garbage collector: an unclosed root, a file whose producer was dropped. */
const FORGOTTEN = {
  root: () => void holdfast.openRootSync(dir),
  stream: () =>
    void holdfast.writeAtomic(
      fresh(),
      (async function* () {
        yield 'piece'.repeat(20_000);
        await new Promise(() => {});
      })(),
    ),
};
for (const [name, forget] of Object.entries(FORGOTTEN)) {
  forget();
  const until = Date.now() + 20_000;
  while (descriptors() === before && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  const held = descriptors();
  defectArm('finalizer', 0);
  while (descriptors() > before && Date.now() < until) await collect();
  const struck = defectArm('nowhere', 0);
  await look('finalizer', name, 0, { struck, held: held > before }, await outcome(VERBS.read));
}
console.log(JSON.stringify(answers));
