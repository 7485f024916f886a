// How a figure is made: candidates take turns in slices of a millisecond, each turn in another order. What disturbs a
// slice only ever adds to it, so a round is a few turns, and the fastest slice of each candidate counts. The figure is the
// median of the ratios within the rounds. Slices are shorter than a scheduler's time slice, so that even on a busy machine
// most of them are undisturbed: longer ones wander by a third there.
// gc() is called between groups of rounds and never between slices: V8 drops inline caches with it, which would
// measure how fast they come back.

import assert from 'node:assert';

/**
 * One way of doing a row's work.
 * @typedef {object} Candidate
 * @property {string} id
 * @property {string} label           what a reader would type
 * @property {string} [omits]         what it leaves out of the row's work
 * @property {() => unknown} [run]    does the work once; a promise is awaited when `async`
 * @property {boolean} [async]
 * @property {number} [perRun]        operations in one run, 1 unless told
 * @property {number} [most]          runs in a slice, at most
 * @property {number} [fixed]         runs in a slice, instead of what fills it; the slice warms itself up
 * @property {(runs: number) => void} [before]  untimed
 * @property {(runs: number) => void} [after]   untimed
 * @property {(runs: number) => Promise<number>} [time]  instead of `run`: measures elsewhere, answers nanoseconds
 */

/**
 * How much is measured.
 * @typedef {object} Effort
 * @property {number} sliceMs     length of a slice, as long as one run is shorter
 * @property {number} turns       slices of each candidate in a round, of which the fastest counts
 * @property {number} warmMs      warm-up of each candidate
 * @property {number} rounds      at most
 * @property {number} leastRounds however long they take
 * @property {number} budgetMs    no new round after this time, warm-up included
 */

/** Rounds between two collections. */
const GC_EVERY = 40;

/** Nanoseconds that `runs` runs take. */
export async function timeSlice(/** @type {Candidate} */ candidate, runs) {
  candidate.before?.(runs);
  const elapsed = candidate.time ? await candidate.time(runs) : await timeRuns(candidate, runs);
  candidate.after?.(runs);
  return elapsed;
}

/** Two loops, since awaiting what is no promise would cost a synchronous candidate a turn of the microtask queue. */
async function timeRuns({ run, async }, runs) {
  const start = process.hrtime.bigint();
  if (async) for (let i = 0; i < runs; i++) await run();
  else for (let i = 0; i < runs; i++) run();
  return Number(process.hrtime.bigint() - start);
}

/** The order of a turn: every candidate is first in turn, and has now this neighbour before it, now that. */
function orderOf(turn, count) {
  const order = Array.from({ length: count }, (_, i) => (i + turn) % count);
  return Math.floor(turn / count) % 2 === 0 ? order : order.reverse();
}

/** Warms every candidate up, in turns as they will be measured, and finds how many runs fill a slice. */
async function warmUp(candidates, { sliceMs, warmMs }) {
  const states = candidates.map((candidate) => ({
    candidate,
    runs: candidate.fixed ?? 1,
    spent: candidate.fixed === undefined ? 0 : Infinity,
    fastest: Infinity,
  }));
  const slice = sliceMs * 1e6;
  while (states.some(({ spent }) => spent < warmMs * 1e6)) {
    for (const state of states) {
      const most = state.candidate.most ?? Infinity;
      const elapsed = await timeSlice(state.candidate, state.runs);
      state.spent += elapsed;
      state.fastest = Math.min(state.fastest, elapsed / state.runs);
      const fitting = Math.max(1, Math.round(slice / state.fastest));
      // In steps, since the first runs are slow for other reasons than the work.
      state.runs = Math.min(most, fitting, state.runs * 4);
    }
  }
  return states.map(({ runs }) => runs);
}

/**
 * Measures the candidates of one row.
 * @param {Candidate[]} candidates the first is the baseline
 * @param {Effort} effort
 * @returns {Promise<Map<string, number[]>>} for each candidate, nanoseconds per operation, one figure a round
 */
export async function measure(candidates, effort) {
  const started = performance.now();
  const runs = await warmUp(candidates, effort);
  const times = candidates.map(() => []);
  let turn = 0;
  for (let round = 0; round < effort.rounds; round++) {
    if (round >= effort.leastRounds && performance.now() - started > effort.budgetMs) break;
    if (round > 0 && round % GC_EVERY === 0 && globalThis.gc) {
      globalThis.gc();
      for (const [index, candidate] of candidates.entries()) await timeSlice(candidate, runs[index]);
    }
    const fastest = candidates.map(() => Infinity);
    for (const last = turn + effort.turns; turn < last; turn++) {
      for (const index of orderOf(turn, candidates.length)) {
        fastest[index] = Math.min(fastest[index], await timeSlice(candidates[index], runs[index]));
      }
    }
    for (const [index, { perRun = 1 }] of candidates.entries()) times[index].push(fastest[index] / runs[index] / perRun);
  }
  return new Map(candidates.map(({ id }, index) => [id, times[index]]));
}

/** Quartiles of a list of numbers, interpolated. */
export function quartiles(numbers) {
  assert(numbers.length > 0);
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share) => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (place - low);
  };
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** Quartiles of the ratios within the rounds. */
export function ratio(times, id, against) {
  const base = times.get(against);
  return quartiles(times.get(id).map((time, round) => time / base[round]));
}
