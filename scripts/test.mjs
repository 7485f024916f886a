// `npm test`: runs the set-up, the Rust tests and the vitest suite, and prints a closing line with the totals of both.
// Arguments are for vitest: `npm test -- read` runs the specs whose name contains "read".

import { spawn } from 'node:child_process';
import { fail, findCargo, projectRoot, run } from './support.mjs';

/** Runs cargo's tests, shows their output, and adds up its `test result:` lines. */
async function runCargoTests() {
  // The dev profile: it has overflow checks and debug assertions, which the release build of the addon drops.
  const args = ['test', '--workspace', '--quiet'];
  if (process.env.CI) args.push('--locked');
  const child = spawn(findCargo(), args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));

  const totals = { ok: status === 0, passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored;/gm)) {
    totals.passed += Number(passed);
    totals.failed += Number(failed);
    totals.skipped += Number(ignored);
  }
  // A test program that fails to compile, or aborts, prints no such line.
  if (!totals.ok && totals.failed === 0) totals.failed = 1;
  return totals;
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);

console.log('test: cargo test');
const rust = await runCargoTests();
// Imported late: on a fresh checkout vitest has just been installed.
const { runVitest } = await import('./run-vitest.mjs');
console.log('test: vitest');
const javascript = runVitest({ args: process.argv.slice(2) });

if (!rust.ok) console.log('failed: cargo test');
for (const failure of javascript.failures) console.log(`failed: ${failure}`);
const sum = (key) => rust[key] + javascript[key];
const skipped = sum('skipped');
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (process.env.CI && rust.skipped > 0) fail('An ignored Rust test counts as a failure when CI is set.');
if (!rust.ok || !javascript.ok) process.exit(1);
