'use strict';

// `holdfast selftest`: whether this machine, and this file system, give every guarantee.

const fs = require('node:fs');
const os = require('node:os');
const nodePath = require('node:path');
const { canForetell, preamble } = require('../doctor/doctor.js');
const { examine } = require('../doctor/facts.js');
const { readMounts } = require('../doctor/mounts.js');
const { CHECKS } = require('./checks.js');

/**
 * @typedef {object} Checked
 * @property {string} id
 * @property {string} title
 * @property {'pass' | 'fail' | 'not-available'} result
 * @property {string} reason
 * @property {number} milliseconds
 */

/**
 * @param {typeof CHECKS[number]} check
 * @param {string} base
 * @returns {Promise<Checked>}
 */
async function runCheck({ id, title, run }, base) {
  const dir = nodePath.join(base, id);
  const begun = performance.now();
  /** @type {import('./checks.js').Outcome} */
  let outcome;
  try {
    fs.mkdirSync(dir, { mode: 0o700 });
    outcome = await run(dir);
  } catch (error) {
    outcome = { result: 'fail', reason: error instanceof Error ? error.message : String(error) };
  }
  return { id, title, ...outcome, milliseconds: Math.round(performance.now() - begun) };
}

/**
 * Runs every check in a new directory, which is removed again.
 *
 * @param {string} [place] where to make that directory; default: the system's for temporary files
 */
async function selftest(place = os.tmpdir()) {
  const base = fs.mkdtempSync(nodePath.join(fs.realpathSync(place), 'holdfast-selftest-'));
  try {
    const facts = canForetell() ? examine(base, readMounts()).facts : null;
    /** @type {Checked[]} */
    const checks = [];
    for (const check of CHECKS) checks.push(await runCheck(check, base));
    /** @param {Checked['result']} wanted */
    const count = (wanted) => checks.filter(({ result }) => result === wanted).length;
    const summary = { pass: count('pass'), fail: count('fail'), notAvailable: count('not-available') };
    return {
      command: /** @type {const} */ ('selftest'),
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

module.exports = { selftest };
