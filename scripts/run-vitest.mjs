// Runs the vitest suite in a child process and returns the totals.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, tools } from './support.mjs';

/**
 * Runs vitest.
 *
 * @param {object} [options]
 * @param {string} [options.node] the node binary to run under; default: this one
 * @param {string[]} [options.args] more arguments for vitest
 * @returns {{ ok: boolean, passed: number, failed: number, skipped: number, failures: string[] }} `failures` has a line each
 */
export function runVitest({ node = process.execPath, args = [] } = {}) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-totals-'));
  const file = path.join(scratch, 'totals.json');
  try {
    const status = run(node, [tools.vitest, 'run', ...args], {
      env: {
        ...process.env,
        HOLDFAST_TEST_TOTALS: file,
        // Tests also start child processes as `node`: they must run the same binary.
        PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
      },
    });
    return { ok: status === 0, ...readTotals(file) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Reads the totals. A run that crashed before its end left none, and counts as one failure. */
function readTotals(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failures: ['vitest ended before its report'] };
  }
}
