// A vitest reporter that adds what the built-in ones lack: the reason of every skipped test, a failure when
// something was skipped in CI, and the totals in a file for the scripts that print the closing line.

import { writeFileSync } from 'node:fs';

export default class SkipReasonsAndTotals {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state) => tests.filter((test) => test.result().state === state).length;
    // What a script leaves out by name, it says itself (scripts/asan.mjs).
    const leftOut = process.env.HOLDFAST_TEST_LEFT_OUT ? new RegExp(process.env.HOLDFAST_TEST_LEFT_OUT) : undefined;
    const skipped = tests.filter((test) => ['skipped', 'pending'].includes(test.result().state) && !leftOut?.test(test.fullName));
    // A file that does not load, a hook that throws and a stray rejection fail the run without failing any test.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const brokenSuites = suites.filter((suite) => suite.errors().length > 0).length;
    const totals = {
      passed: count('passed'),
      failed: count('failed') + brokenSuites + unhandledErrors.length,
      skipped: skipped.length,
    };

    for (const test of skipped) {
      const result = test.result();
      const reason = 'note' in result && result.note ? `: ${result.note}` : '';
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}${reason}`);
    }

    // A test skips itself where a tool or a right is missing. CI installs all of them and runs as root, so a skip
    // there means that a promise was not checked while the run looks green.
    if (process.env.CI && skipped.length > 0) {
      console.error(`${skipped.length} skipped: with CI set every test has to run, so this run failed.`);
      process.exitCode = 1;
    }

    const file = process.env.HOLDFAST_TEST_TOTALS;
    if (file) writeFileSync(file, JSON.stringify(totals));
  }
}
