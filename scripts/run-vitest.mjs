// Runs the vitest suite in a child process and tells how many tests did what.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, tools } from './support.mjs';

/**
 * @param {object} [options]
 * @param {string} [options.node] the node binary to run under; default: this one
 * @param {string[]} [options.args] more arguments for vitest
 * @returns {{ ok: boolean, passed: number, failed: number, skipped: number }}
 */
export function runVitest({ node = process.execPath, args = [] } = {}) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-totals-'));
  const file = path.join(scratch, 'totals.json');
  try {
    const status = run(node, [tools.vitest, 'run', ...args], {
      env: {
        ...process.env,
        HOLDFAST_TEST_TOTALS: file,
        // Tests start child processes by the name `node`, too: they must get the same one.
        PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
      },
    });
    return { ok: status === 0, ...readTotals(file) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A run that died before its end left no totals: that is one failure, not none. */
function readTotals(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
