'use strict';
// Calls one verb repeatedly while an attacker exchanges names, and counts the outcomes.
//   node sys-hammer.cjs <folder of the package> <plan as JSON>
// Prints "ready", starts on a line of input, and prints one JSON object.

const fs = require('node:fs');
const path = require('node:path');

const holdfast = require(process.argv[2]);
const tally = { calls: 0, codes: {}, seen: {}, slowest: 0, slowestOwn: 0 };

function see(content) {
  tally.seen[content] = (tally.seen[content] ?? 0) + 1;
}

/** Revives a callback from `{ $returns: value }`: it counts the content that it gets. */
function revive(_key, value) {
  if (value === null || typeof value !== 'object' || !('$returns' in value)) return value;
  return (current) => {
    if (Buffer.isBuffer(current)) see(String(current));
    return value.$returns;
  };
}

const { verb, args, milliseconds, hold, remove, restore } = JSON.parse(process.argv[3], revive);

/** The vulnerable control: it checks, and then it opens. */
function checkThenOpen(file) {
  const isLink = fs.lstatSync(path.dirname(file)).isSymbolicLink() || fs.lstatSync(file).isSymbolicLink();
  if (isLink) throw Object.assign(new Error('a link'), { code: 'seen as a link' });
  return { buffer: fs.readFileSync(file) };
}

/** Restores two names of different kinds for the attacker, after a write has replaced the other kind by a file. */
function restoreKinds({ names, target, how, fresh, content }) {
  const isOther = (name) => {
    const { ino } = fs.lstatSync(name);
    return how === 'symlink' ? fs.lstatSync(name).isSymbolicLink() : ino === fs.lstatSync(target).ino;
  };
  const others = names.filter(isOther).length;
  if (others === 1) return;
  // rename(2) of two names of one file does nothing: then it remains from the last time.
  fs.rmSync(fresh, { force: true });
  if (others === 2) fs.writeFileSync(fresh, content);
  else if (how === 'symlink') fs.symlinkSync(target, fresh);
  else fs.linkSync(target, fresh);
  fs.renameSync(fresh, names[1]);
}

/**
 * Returns a function for the milliseconds that the threads of this process have waited for a processor while they were
 * runnable. The rest of a call's duration is its own. Other systems than Linux do not report it, and it counts as zero.
 */
function waitedForProcessor() {
  const threads = fs.existsSync('/proc/self/task') ? fs.readdirSync('/proc/self/task') : [];
  const files = threads.map((thread) => fs.openSync(`/proc/self/task/${thread}/schedstat`, 'r'));
  const text = Buffer.alloc(128);
  const waited = (file) => Number(text.toString('latin1', 0, fs.readSync(file, text, 0, text.length, 0)).split(' ')[1]) / 1e6;
  return () => files.reduce((sum, file) => sum + waited(file), 0);
}

async function hammer() {
  const call = verb === 'checkThenOpen' ? checkThenOpen : holdfast[verb];
  const held = hold === undefined ? undefined : fs.openSync(hold, 'r');
  // One call starts the pool's threads, so that they can be observed.
  await new Promise((resolve) => fs.stat('/', resolve));
  const waited = waitedForProcessor();
  await new Promise((resolve) => {
    process.stdin.once('data', resolve);
    process.stdout.write('ready\n');
  });
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    let code = 'ok';
    const hadWaited = waited();
    const began = performance.now();
    try {
      const pending = call(...args);
      const result = pending instanceof Promise ? await pending : pending;
      if (result?.buffer) see(result.buffer.toString());
    } catch (error) {
      code = holdfast.isHoldfastError(error) ? error.code : `raw ${error.code ?? error}`;
    }
    const took = performance.now() - began;
    tally.slowest = Math.max(tally.slowest, took);
    // A call's wait is not part of its own time. A fast call has none to subtract.
    if (took > tally.slowestOwn) tally.slowestOwn = Math.max(tally.slowestOwn, took - (waited() - hadWaited));
    tally.calls++;
    tally.codes[code] = (tally.codes[code] ?? 0) + 1;
    if (remove !== undefined) fs.rmSync(`/proc/self/fd/${held}/${remove}`, { recursive: true, force: true });
    if (restore !== undefined) restoreKinds(restore);
  }
  process.stdout.write(`${JSON.stringify(tally)}\n`);
  process.stdin.destroy();
}

void hammer();
