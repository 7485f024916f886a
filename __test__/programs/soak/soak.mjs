// Calls verbs many times in one process. Prints a line of JSON for each, with the course of memory, descriptors and
// threads. Started by scripts/soak.mjs and lifecycle.spec.ts.
//   node --expose-gc soak.mjs '{ "dir": "…", "calls": 1000, "only": "…", "leak": "bytes", "memory": false }'
import * as fs from 'node:fs';
import { capabilities } from '../../../index.mjs';
import { leastSquares } from './slope.mjs';
import { SLOW, verbs } from './verbs.mjs';

// `looks`: number of samples in one row. During the first half caches and allocators fill up. `memory: false` waits for
// descriptors and threads to go, and not for memory, which takes several collections a sample.
const { dir, calls: wanted, full, only, leak, user, looks: LOOKS = 40, memory = true } = JSON.parse(process.argv[2]);
/** Concurrent asynchronous calls. */
const WAVE = 50;

const closed = user && `${dir}/closed`;
if (user) {
  // Loads the binary now: another user may not be able to.
  capabilities();
  fs.mkdirSync(closed, { mode: 0o700 });
  fs.chownSync(dir, user, user);
  process.setgroups([]);
  process.setgid(user);
  process.setuid(user);
}

// The memory of Buffers is outside the heap of JavaScript, as the addon's would be.
const leaked = [];
const LEAKS = {
  // 64 bytes per call, by the page.
  bytes: (number) => number % 64 === 0 && leaked.push(Buffer.allocUnsafeSlow(4096).fill(1)),
  descriptor: (number) => number % 1000 === 0 && leaked.push(fs.openSync('/dev/null')),
};
const lose = LEAKS[leak] ?? (() => {});

const rssNow = () => process.memoryUsage.rss();

/** Collects garbage until memory no longer shrinks: another thread frees the memory of Buffers some time later. */
async function settle() {
  let rss = rssNow();
  for (let turn = 0; turn < 10; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const before = rss;
    rss = rssNow();
    if (turn > 1 && rss > before - 65_536) break;
  }
  return rss;
}

const count = (what) => fs.readdirSync(`/proc/self/${what}`).length;

async function look(first) {
  let rss = 0;
  if (memory || first === undefined) rss = await settle();
  else {
    for (let turn = 0; turn < 10; turn += 1) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (count('fd') <= first.descriptors && count('task') <= first.threads) break;
    }
  }
  return { rss, descriptors: count('fd'), threads: count('task') };
}

async function callAll(call, from, to) {
  for (let number = from; number < to; number += WAVE) {
    const under = [];
    for (let one = number; one < Math.min(to, number + WAVE); one += 1) {
      lose(one);
      const answer = call(one);
      if (answer instanceof Promise) under.push(answer);
    }
    if (under.length > 0) await Promise.all(under);
  }
}

for (const [name, call] of Object.entries(verbs(dir, full, closed))) {
  if (only && !only.split('|').includes(name)) continue;
  const calls = SLOW.has(name) ? Math.ceil(wanted / 10) : wanted;
  await callAll(call, 0, Math.min(calls, 2000));
  let busy = 0;
  const looks = [{ calls: 0, ...(await look()) }];
  for (let turn = 1; turn <= LOOKS; turn += 1) {
    const upTo = Math.round((calls * turn) / LOOKS);
    const started = performance.now();
    await callAll(call, looks.at(-1).calls, upTo);
    busy += performance.now() - started;
    looks.push({ calls: upTo, ...(await look(looks[0])) });
  }
  const later = looks.slice(LOOKS / 2);
  const change = (key) => later.at(-1)[key] - looks[0][key];
  const row = {
    name,
    calls,
    slope: leastSquares(later.map((one) => [one.calls, one.rss])),
    rss: looks.at(-1).rss,
    descriptors: change('descriptors'),
    threads: change('threads'),
    microseconds: (busy * 1000) / calls,
  };
  fs.writeSync(1, `${JSON.stringify(row)}\n`);
}
const strays = fs.readdirSync(dir).filter((name) => name.endsWith('.tmp'));
fs.writeSync(1, `${JSON.stringify({ strays: strays.length })}\n`);
