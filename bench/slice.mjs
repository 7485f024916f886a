// Runs one slice of one candidate in a process of its own. Prints the nanoseconds of a typical run, times the number of
// runs. These runs are long enough to be timed one by one, and to be disturbed: the median is the typical one.
//
//   node bench/slice.mjs '{ "row": "read-sync-16m", "candidate": "node", "dir": "/dev/shm/x", "warm": 4 }' 24

import * as holdfast from '../index.mjs';
import { quartiles, timeSlice } from './measure.mjs';
import { loadPeers } from './peers.mjs';
import { rows } from './rows.mjs';

const request = JSON.parse(process.argv[2]);
const row = rows.find(({ id }) => id === request.row);
const peers = request.alone ? {} : await loadPeers();
const candidates = await row.candidates({ dir: request.dir, holdfast, peers, floor: undefined, place: undefined });
const candidate = candidates.find(({ id }) => id === request.candidate);
const runs = Number(process.argv[3]);
await timeSlice(candidate, request.warm);
const times = [];
for (let run = 0; run < runs; run++) times.push(await timeSlice(candidate, 1));
process.stdout.write(String(quartiles(times).median * runs));
