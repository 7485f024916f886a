// Tests the addon under AddressSanitizer in Node: first deliberate errors, which must be detected, then leaks, then the
// vitest suite. Needs a nightly Rust, and the runtime that comes with gcc.
//
//   npm run test:asan             all of it
//   npm run test:asan -- read     the suite's specs whose name contains "read"

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail, projectRoot, run } from './support.mjs';

/**
 * Specs that make no sense under a sanitizer: they measure its own effects, or do not load the addon. Other specs run
 * the same code: `write-modes`, `raw-errors`, `kill` and the like cover single system calls and faults.
 */
const LEFT_OUT = {
  bench: 'measures time',
  setup: 'does not load the addon',
  soak: 'measures memory; its calls are those of the look for leaks here',
  syscalls: 'counts every system call, and the runtime makes some of its own',
  'write-many-calls': 'as syscalls',
  'call-thread': 'as syscalls',
  faults: 'has a call fail by its number, and the runtime makes some of its own',
  'faults-once': 'as faults',
  'block-errors': 'loads a library of its own before all others, which the runtime has to be',
  'power-loss': 'as block-errors',
};

/** Tests in other specs with the same reasons. */
const LEFT_OUT_TESTS = {
  '64 MiB pass through without being gathered in memory': 'measures memory, and what was freed is kept for a while',
  'tells version, platform and what the system can do': "compares the binary's own path, which is another here",
};

if (process.platform !== 'linux' || process.arch !== 'x64') fail('asan: it runs on Linux on x86-64 only.');
if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { buildVariant } = await import('./variant.mjs');
const { runVitest } = await import('./run-vitest.mjs');
const { verdictOf } = await import('./asan-report.mjs');

/** Finds the runtime. gcc's has the interface that rustc's code calls, and is a library that LD_PRELOAD can load. */
function findRuntime() {
  const asked = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const library = asked.stdout?.trim();
  if (!library || !existsSync(library)) fail('asan: gcc and its libasan are needed: on Debian, `apt-get install gcc`.');
  return library;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-asan-'));
const addon = buildVariant('asan');
const runtime = findRuntime();
let reports = 0;

/**
 * Returns the environment of a process under the sanitizer, and the folder for its reports and those of its children.
 */
function watched(options) {
  const folder = path.join(scratch, `reports-${(reports += 1)}`);
  mkdirSync(folder, { mode: 0o777 });
  execFileSync('chmod', ['777', scratch, folder]);
  // A process of another user may be unable to write its report. Then the report is in its standard error, and its
  // status reveals it.
  const settings = { log_path: path.join(folder, 'report'), allocator_may_return_null: 1, detect_leaks: 0, ...options };
  const ASAN_OPTIONS = Object.entries(settings).map((setting) => setting.join('=')).join(':');
  return { folder, env: { ...process.env, HOLDFAST_NATIVE_PATH: addon, LD_PRELOAD: runtime, ASAN_OPTIONS, LSAN_OPTIONS: 'print_suppressions=0' } };
}

const reportsIn = (folder) => readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'));

/** Runs a short program with the addon and its deliberate errors. Returns the outcome. */
function found(body, options = {}) {
  const { folder, env } = watched(options);
  const script = `const holdfast = require(${JSON.stringify(projectRoot)}); const addon = require(process.env.HOLDFAST_NATIVE_PATH);
    if (holdfast.readLocalFileSafelySync('package.json').buffer.length < 100) throw new Error('nothing was read');
    ${body}`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: projectRoot, encoding: 'utf8', env });
  return { status: signal ?? status, stderr, verdict: verdictOf(reportsIn(folder)) };
}

function expectSelfTest(name, outcome, isAsExpected) {
  const { status, stderr, verdict } = outcome;
  if (!isAsExpected(outcome)) fail(`asan: ${name}: ended with ${status} and ${JSON.stringify(verdict)}\n${stderr}`);
  console.log(`asan: ${name}: ${verdict.errors[0] ?? verdict.leaks[0] ?? 'nothing found'}`);
}

function selfTest() {
  expectSelfTest('no error', found(''), ({ status, verdict }) => status === 0 && verdict.errors.length === 0 && verdict.leaks.length === 0);
  const errors = { defectOverflow: 'heap-buffer-overflow', defectUseAfterFree: 'heap-use-after-free' };
  for (const [call, kind] of Object.entries(errors)) {
    expectSelfTest(`a deliberate ${kind}`, found(`addon.${call}()`), ({ status, verdict }) => status !== 0 && verdict.errors.some((error) => error.includes(kind)));
  }
  const leaks = { detect_leaks: 1, exitcode: 0 };
  const lose = 'for (let i = 0; i < 8; i++) addon.defectLeak(1000 + i);';
  expectSelfTest('deliberate leaks', found(lose, leaks), ({ verdict }) => verdict.errors.length === 0 && verdict.leaks.length > 0);
  expectSelfTest('no leak', found('', leaks), ({ verdict }) => verdict.errors.length === 0 && verdict.leaks.length === 0);
}

/** Runs every verb and every kind of failure, and checks that the addon leaks no allocation. */
function lookForLeaks() {
  const { folder, env } = watched({ detect_leaks: 1, exitcode: 0 });
  const dir = path.join(scratch, 'leaks');
  mkdirSync(dir);
  const program = path.join(projectRoot, '__test__/programs/soak/soak.mjs');
  const { status, signal, stderr } = spawnSync(process.execPath, ['--expose-gc', program, JSON.stringify({ dir, calls: 400, looks: 2 })], {
    cwd: projectRoot,
    encoding: 'utf8',
    env,
  });
  const verdict = verdictOf(reportsIn(folder));
  if ((signal ?? status) !== 0) return [`the look for leaks ended with ${signal ?? status}: ${stderr}`, ...verdict.errors];
  console.log(`asan: leaks: ${verdict.leaks.length} of the addon's, ${verdict.others} of Node's own`);
  return [...verdict.errors, ...verdict.leaks];
}

function suite(filters) {
  const excluded = Object.keys(LEFT_OUT).flatMap((name) => ['--exclude', `**/${name}.spec.ts`]);
  for (const [name, reason] of Object.entries(LEFT_OUT)) console.log(`asan: without ${name}.spec.ts, which ${reason}`);
  const { folder, env } = watched({});
  for (const [name, reason] of Object.entries(LEFT_OUT_TESTS)) console.log(`asan: without "${name}", which ${reason}`);
  const leftOut = Object.keys(LEFT_OUT_TESTS)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|');
  const before = { ...process.env };
  Object.assign(process.env, env, { HOLDFAST_TEST_LEFT_OUT: leftOut });
  const totals = runVitest({ args: [...excluded, '--testTimeout', '600000', '-t', `^(?!.*(?:${leftOut}))`, ...filters] });
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  return { totals, verdict: verdictOf(reportsIn(folder)) };
}

try {
  selfTest();
  const problems = lookForLeaks();
  const { totals, verdict } = suite(process.argv.slice(2));
  problems.push(...verdict.errors);
  console.log(`asan: the suite: ${totals.passed} passed, ${totals.failed} failed; ${verdict.errors.length} errors of memory`);
  for (const problem of problems) console.error(`asan: ${problem}`);
  if (!totals.ok || problems.length > 0) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
