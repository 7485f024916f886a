'use strict';

// A selftest's report for people.

const { escaped } = require('../../base/escape.js');

/** @typedef {Awaited<ReturnType<typeof import('./selftest.js').selftest>>} Report */

const MARKS = /** @type {const} */ ({ pass: ['pass', 'good'], fail: ['FAIL', 'bad'], 'not-available': ['n/a ', 'mild'] });

/**
 * @param {Report} report
 * @param {import('../terminal.js').Palette} paint
 */
function selftestText({ holdfast, process: who, native, directory, mount, checks, summary }, paint) {
  const lines = [
    `${paint.strong(`holdfast ${holdfast}`)}, node ${who.node}, ${who.platform} ${who.arch}, resolver ${native.resolver}`,
    `in ${escaped(directory)}, ${mount === null ? 'mount unknown' : `${escaped(mount.type)} (${escaped(mount.source)}) at ${escaped(mount.mountPoint)}`}; user ${who.euid}`,
    '',
    ...checks.map(({ title, result, reason }) => {
      const [mark, colour] = MARKS[result];
      return `${paint[colour](mark)}  ${title}: ${escaped(reason)}`;
    }),
    '',
    `${summary.pass} passed, ${summary.fail} failed, ${summary.notAvailable} not available`,
  ];
  return `${lines.join('\n')}\n`;
}

module.exports = { selftestText };
