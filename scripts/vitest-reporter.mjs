// A vitest reporter that adds three things: the reason of every skipped test, a failure when a test is skipped in CI,
// and a file with the totals and the failures for the scripts that print the closing lines.

import { writeFileSync } from 'node:fs';

/** Returns one line for a failed test or suite: its file, its name and the first line of its error. */
function describeFailure(task, name, errors) {
  const module = task.type === 'module' ? task : task.module;
  return `${module.relativeModuleId} > ${name}: ${firstLine(errors?.[0])}`;
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n', 1)[0];
}

export default class SkipReasonsAndTotals {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state) => tests.filter((test) => test.result().state === state).length;
    // A script reports the tests that it excludes by name (scripts/asan.mjs).
    const leftOut = process.env.HOLDFAST_TEST_LEFT_OUT ? new RegExp(process.env.HOLDFAST_TEST_LEFT_OUT) : undefined;
    const skipped = tests.filter((test) => ['skipped', 'pending'].includes(test.result().state) && !leftOut?.test(test.fullName));
    // A file that fails to load, a hook that throws and a stray rejection fail the run without a failed test.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const brokenSuites = suites.filter((suite) => suite.errors().length > 0).length;
    const totals = {
      passed: count('passed'),
      failed: count('failed') + brokenSuites + unhandledErrors.length,
      skipped: skipped.length,
      failures: [
        ...tests.filter((test) => test.result().state === 'failed').map((test) => describeFailure(test, test.fullName, test.result().errors)),
        ...suites.filter((suite) => suite.errors().length > 0).map((suite) => describeFailure(suite, suite.fullName ?? '', suite.errors())),
        ...unhandledErrors.map((error) => `unhandled: ${firstLine(error)}`),
      ],
    };

    for (const test of skipped) {
      const result = test.result();
      const reason = 'note' in result && result.note ? `: ${result.note}` : '';
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}${reason}`);
    }

    // A test skips itself if a tool or a right is missing. CI installs all tools and runs as root, so there a skip
    // means an unchecked guarantee in a green run.
    if (process.env.CI && skipped.length > 0) {
      console.error(`${skipped.length} skipped: with CI set every test has to run, so this run failed.`);
      process.exitCode = 1;
    }

    const file = process.env.HOLDFAST_TEST_TOTALS;
    if (file) writeFileSync(file, JSON.stringify(totals));
  }
}
