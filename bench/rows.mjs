// Every row of the benchmark, in the order of the report.

import { readRows } from './rows-read.mjs';
import { writeRows } from './rows-write.mjs';
import { ensureDirRows } from './rows-ensure-dir.mjs';
import { rootRows } from './rows-stat-list-walk.mjs';
import { changeRows } from './rows-change.mjs';
import { stateRows } from './rows-state.mjs';
import { adapterRows } from './rows-fs-safe.mjs';

/**
 * The environment of a row.
 * @typedef {object} Context
 * @property {string} dir an empty scratch directory on the file system to measure
 * @property {typeof import('../index.mjs')} holdfast
 * @property {Record<string, any>} peers the modules of the peers that run on this Node
 * @property {import('./floor.mjs').Floor | undefined} floor
 * @property {'tmpfs' | 'disk'} place
 */

/**
 * A target. Either the time of `candidate` over the time of `against` is at most `limit`, or `candidate` is at least
 * `times` times as fast as `against`.
 * @typedef {object} Target
 * @property {string} candidate
 * @property {string} against
 * @property {(where: Where) => number | undefined} [limit]
 * @property {number} [times]
 * @property {boolean} [cpu] processor time of all threads instead of the time that passes
 * @property {string} text the same for the reader
 */

/** @typedef {{ place: 'tmpfs' | 'disk', node: number }} Where file system and major version of Node */

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {('tmpfs' | 'disk')[]} places
 * @property {boolean} [quick] false: too slow for the quick mode
 * @property {Partial<import('./measure.mjs').Effort>} [slices] exceptions to the usual effort
 * @property {{ runs: number, warm: number }} [isolated] every slice in a process of its own
 * @property {(context: Context) => void} prepare makes the files if they do not exist
 * @property {(context: Context) => import('./measure.mjs').Candidate[]} candidates the baseline first
 * @property {(context: Context, result: unknown, candidate: import('./measure.mjs').Candidate) => void} check after one
 *   run
 * @property {Target[]} targets
 */

/** @type {Row[]} */
export const rows = [...readRows, ...writeRows, ...ensureDirRows, ...rootRows, ...changeRows, ...stateRows, ...adapterRows];
