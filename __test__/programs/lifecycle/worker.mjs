// A worker thread: loads the addon, uses it, leaves as much as possible unfinished, and ends in the requested way.
import { parentPort, workerData } from 'node:worker_threads';
import { leaveUnfinished, useEveryVerb } from './busy.mjs';

const { dir, own, end } = workerData;
await useEveryVerb(dir, own);
const held = await leaveUnfinished(dir, own, { many: 3, opens: end === 'itself' });
if (end === 'itself, with nothing under way') await new Promise((resolve) => setTimeout(resolve, 20));
parentPort.postMessage(held.length);
if (end === 'process.exit') process.exit(0);
if (end === 'an error') throw new Error('nobody catches this');
if (end === 'terminate') await new Promise((resolve) => setTimeout(resolve, 60_000));
