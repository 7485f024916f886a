// Measures a figure. Candidates take turns in slices of a millisecond, in another order each turn. A disturbance only
// adds time, so a round has a few turns, and the fastest slice of each candidate counts. The figure is the median of
// the ratios within the rounds.
//
// Slices are shorter than a scheduler's time slice, so that most are undisturbed even on a busy machine: longer ones
// vary by a third there. gc() runs between groups of rounds, never between slices: it makes V8 drop inline caches, and
// the slice would measure their recovery.

import assert from 'node:assert';

/**
 * One implementation of a row's work.
 * @typedef {object} Candidate
 * @property {string} id
 * @property {string} label a reader's code
 * @property {string} [omits] parts of the row's work that it omits
 * @property {() => unknown} [run] does the work once; a promise is awaited when `async`
 * @property {boolean} [async]
 * @property {number} [perRun] operations in one run; default 1
 * @property {number} [most] limit of runs in a slice
 * @property {number} [fixed] runs in a slice, whatever its duration; the slice includes its warm-up
 * @property {(runs: number) => void} [before] untimed
 * @property {(runs: number) => void} [after] untimed
 * @property {(runs: number) => Promise<number>} [time] replaces `run`: measures elsewhere, returns nanoseconds
 */

/**
 * The effort of a measurement.
 * @typedef {object} Effort
 * @property {number} sliceMs length of a slice, if one run is shorter
 * @property {number} turns slices of each candidate in a round, of which the fastest counts
 * @property {number} warmMs warm-up of each candidate
 * @property {number} rounds maximum
 * @property {number} leastRounds minimum, whatever their duration
 * @property {number} budgetMs no new round after this time, warm-up included
 */

/** Rounds between two garbage collections. */
const GC_EVERY = 40;

/** Returns the nanoseconds that `runs` runs take. */
export async function timeSlice(/** @type {Candidate} */ candidate, runs) {
  candidate.before?.(runs);
  const elapsed = candidate.time ? await candidate.time(runs) : await timeRuns(candidate, runs);
  candidate.after?.(runs);
  return elapsed;
}

/** Two loops, because `await` of a plain value would cost a synchronous candidate a turn of the microtask queue. */
async function timeRuns({ run, async }, runs) {
  const start = process.hrtime.bigint();
  if (async) for (let i = 0; i < runs; i++) await run();
  else for (let i = 0; i < runs; i++) run();
  return Number(process.hrtime.bigint() - start);
}

/** Returns the order of a turn. Every candidate comes first equally often, with changing neighbours. */
function orderOf(turn, count) {
  const order = Array.from({ length: count }, (_, i) => (i + turn) % count);
  return Math.floor(turn / count) % 2 === 0 ? order : order.reverse();
}

/** Warms every candidate up, in turns as in the measurement, and determines the number of runs that fill a slice. */
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
      // In steps, because the first runs are slow for other reasons than the work.
      state.runs = Math.min(most, fitting, state.runs * 4);
    }
  }
  return states.map(({ runs }) => runs);
}

/**
 * Measures the candidates of one row.
 * @param {Candidate[]} candidates the first is the baseline
 * @param {Effort} effort
 * @returns {Promise<Map<string, number[]>>} nanoseconds per operation for each candidate, one figure per round; where several
 *   operations run at once, also of processor time, under {@link cpuOf} its id
 */
export async function measure(candidates, effort) {
  const started = performance.now();
  const runs = await warmUp(candidates, effort);
  const times = candidates.map(() => []);
  const cpuTimes = candidates.map(() => []);
  let turn = 0;
  for (let round = 0; round < effort.rounds; round++) {
    if (round >= effort.leastRounds && performance.now() - started > effort.budgetMs) break;
    if (round > 0 && round % GC_EVERY === 0 && globalThis.gc) {
      globalThis.gc();
      for (const [index, candidate] of candidates.entries()) await timeSlice(candidate, runs[index]);
    }
    const fastest = candidates.map(() => Infinity);
    const leastCpu = candidates.map(() => Infinity);
    for (const last = turn + effort.turns; turn < last; turn++) {
      for (const index of orderOf(turn, candidates.length)) {
        const before = process.cpuUsage();
        fastest[index] = Math.min(fastest[index], await timeSlice(candidates[index], runs[index]));
        const { user, system } = process.cpuUsage(before);
        leastCpu[index] = Math.min(leastCpu[index], 1000 * (user + system));
      }
    }
    for (const [index, { perRun = 1 }] of candidates.entries()) {
      times[index].push(fastest[index] / runs[index] / perRun);
      cpuTimes[index].push(leastCpu[index] / runs[index] / perRun);
    }
  }
  const isCounted = ({ perRun = 1, time }) => perRun > 1 && time === undefined;
  return new Map(candidates.flatMap((candidate, index) => [[candidate.id, times[index]], ...(isCounted(candidate) ? [[cpuOf(candidate.id), cpuTimes[index]]] : [])]));
}

/** Returns the key of a candidate's processor time, of all threads of the process. */
export const cpuOf = (id) => `${id}, processor time`;

/** Returns the interpolated quartiles of a list of numbers. */
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

/** Returns the quartiles of the ratios within the rounds. */
export function ratio(times, id, against) {
  const base = times.get(against);
  return quartiles(times.get(id).map((time, round) => time / base[round]));
}
