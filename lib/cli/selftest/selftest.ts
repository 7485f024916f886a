// `holdfast selftest`: checks that this machine and this file system give every guarantee.

import fs = require('node:fs');
import os = require('node:os');
import nodePath = require('node:path');
import { canForetell, preamble } from '../doctor/doctor.js';
import { examine } from '../doctor/facts.js';
import { readMounts } from '../doctor/mounts.js';
import { CHECKS } from './checks.js';
import type { Outcome } from './outcome.js';

interface Checked {
  id: string;
  title: string;
  result: 'pass' | 'fail' | 'not-available';
  reason: string;
  milliseconds: number;
}

async function runCheck({ id, title, run }: typeof CHECKS[number], base: string): Promise<Checked> {
  const dir = nodePath.join(base, id);
  const begun = performance.now();
  let outcome: Outcome;
  try {
    fs.mkdirSync(dir, { mode: 0o700 });
    outcome = await run(dir);
  } catch (error) {
    outcome = { result: 'fail', reason: error instanceof Error ? error.message : String(error) };
  }
  return { id, title, ...outcome, milliseconds: Math.round(performance.now() - begun) };
}

/**
 * Runs every check in a new directory, and removes the directory.
 *
 * @param place parent of that directory; default: the system's directory for temporary files
 */
export async function selftest(place: string = os.tmpdir()) {
  const base = fs.mkdtempSync(nodePath.join(fs.realpathSync(place), 'holdfast-selftest-'));
  try {
    const facts = canForetell() ? examine(base, readMounts()).facts : null;
    const checks: Checked[] = [];
    for (const check of CHECKS) checks.push(await runCheck(check, base));
    const count = (wanted: Checked['result']) => checks.filter(({ result }) => result === wanted).length;
    const summary = { pass: count('pass'), fail: count('fail'), notAvailable: count('not-available') };
    return {
      command: 'selftest' as const,
      ok: summary.fail === 0,
      ...preamble(),
      directory: nodePath.dirname(base),
      mount: facts?.mount ?? null,
      summary,
      checks,
    };
  } finally {
    fs.rmSync(base, { recursive: true, force: true });
  }
}
