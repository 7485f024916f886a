// Installs the packed packages as a user does, and runs them: from a registry on 127.0.0.1 into empty folders, with
// only the runtime in PATH. The package manager must choose the single right binary.
//
//   npm run test:prebuilt                        every row whose binary `npm run prebuild` has built; a missing one fails
//   npm run test:prebuilt -- node-22 musl-x64    these rows
//   npm run test:prebuilt -- --quick             a minute: this Node, with the binary of `npm run build`
//   npm run test:prebuilt -- this                the Node that runs this, with the binary of `npm run prebuild`
//   npm run test:prebuilt -- --no-suite …        without the vitest suite: installation, first read, every export
//
// Needs root on Debian for all targets but x86-64 glibc: programs run in a chroot, under an emulator.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildFor, prepare } from './prebuild.mjs';
import { ownBinary, packMain, packPlatform } from './pack.mjs';
import { choiceProblems } from './prebuilt/choice.mjs';
import { emulate, execute, outside } from './prebuilt/execute.mjs';
import { bareEnvironment, firstRead, freshFolder, installInto, placeProgram, programCommand, removeFolder } from './prebuilt/install.mjs';
import { startRegistry } from './prebuilt/registry.mjs';
import { placeSuite, runSuite } from './prebuilt/suite.mjs';
import { TARGETS, packageName, prebuiltBinary, staleness, targetNamed } from './prebuilt/targets.mjs';
import { RUNTIMES, runtimeOf, thisNode } from './prebuilt/runtimes.mjs';
import { fail, hostTarget, projectRoot } from './support.mjs';

const FLAGS = ['--quick', '--no-suite'];
const given = process.argv.slice(2);
const flags = new Set(given.filter((word) => word.startsWith('--')));
const names = given.filter((word) => !word.startsWith('--'));
for (const flag of flags) if (!FLAGS.includes(flag)) fail(`prebuilt: unknown argument ${flag}; there are ${FLAGS.join(', ')}`);
const quick = flags.has('--quick');
const rows = quick ? ['this'] : names.length > 0 ? names : Object.keys(RUNTIMES);

/** The specs of the three verbs: paths, links, kinds of object, sizes, modes, results, errors. */
const OF_THE_VERBS = ['abort', 'arguments', 'ensure-dir', 'errors', 'kinds', 'links', 'open', 'outbound', 'paths', 'results', 'roots', 'urls', 'write-data', 'write-modes', 'write-many'];

/** Specs that need tools for other users and mounts. They test the core, and `npm test` runs them. */
const OF_THE_SYSTEM = ['system/**/*', 'doctor-forecasts', 'paste', 'fs-safe-system'];

/**
 * Returns the part of the suite for a runtime. A chroot has no tools for other users, mounts and limits. Emulated
 * programs are many times slower and run the specs of the verbs only: specs about time, memory and hundreds of
 * processes would measure the emulator.
 */
function suiteFor(runtime) {
  if (runtime.qemu) return { only: OF_THE_VERBS.map((name) => `/${name}.spec.ts`), timeout: 900 };
  // How long the event loop blocks depends on the machine, and rows also run on busy machines.
  const measures = 'keep the event loop';
  if (runtime.root) return { without: [...OF_THE_SYSTEM, 'examples'], except: ['memory does not suffice', 'what npx finds', measures], timeout: 300 };
  if (process.getuid?.() !== 0) return { without: [...OF_THE_SYSTEM, 'examples'], except: [measures] };
  return { without: OF_THE_SYSTEM, except: [measures], timeout: 120 };
}

/**
 * Packs the available binaries. In a quick run only this machine's binary is real; the package manager must skip the
 * others.
 */
function packAll(scratch) {
  const problems = [];
  const packed = TARGETS.map((target) => {
    const binary = quick ? ownBinary(target) : prebuiltBinary(target);
    if (binary && !quick) problems.push(...staleness(target));
    return packPlatform(scratch, target, binary);
  });
  if (problems.length > 0) fail(`prebuilt: ${problems.join('\nprebuilt: ')}`);
  return [packMain(scratch), ...packed];
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const told = ({ passed, failed, skipped }) => `${passed} passed${failed ? `, ${failed} FAILED` : ''}${skipped ? `, ${skipped} skipped` : ''}`;

/**
 * Checks that panics unwind and are caught, which depends on the target. Builds an addon for each target that panics on
 * demand, with the tools and flags of the published one.
 */
async function runPanics(runtime, folder, consumer, env) {
  const target = targetNamed(runtime.target);
  const addon = path.posix.join(folder, 'defects.node');
  copyFileSync(buildFor(target, await prepare([target]), { features: ['test-defects'] }), outside(runtime, addon));
  // One of them reads the Rust sources, which no package has.
  const how = { only: ['__test__/system/faults/defects.spec.ts'], except: ['around every function that it exports'], timeout: 1800 };
  return runSuite(runtime, folder, consumer, { ...env, HOLDFAST_NATIVE_PATH: addon }, how);
}

/** Runs a program with assertions for Windows, because vitest does not run under Wine. */
async function runWindowsChecks(runtime, folder, consumer, env) {
  const [program, scratch] = [path.join(consumer, 'windows.cjs'), path.join(folder, 'scratch')];
  const programs = path.join(projectRoot, '__test__/programs');
  // The program loads its checks from files beside it.
  for (const name of readdirSync(programs).filter((file) => /^windows.*\.cjs$/.test(file))) copyFileSync(path.join(programs, name), path.join(consumer, name));
  mkdirSync(scratch);
  // Wine maps the whole file system to a drive.
  const drive = `Z:${scratch.replaceAll('/', '\\')}`;
  const { status, stdout, stderr } = await execute(runtime, programCommand(runtime, program, 'node_modules/holdfast', drive), { cwd: consumer, env });
  const told = /^\d+ of \d+ hold, \d+ not here$/m.exec(stdout)?.[0];
  return { ok: status === 0 && told !== undefined, told, output: `${stdout}${stderr}` };
}

/**
 * Deno selects by system and architecture, but not by C library (as of 2.9). There the loader alone chooses between the
 * two.
 */
function rightPackages(runtime) {
  const { os, cpu, name } = targetNamed(runtime.target);
  return TARGETS.filter((target) => (runtime.kind === 'deno' ? target.os === os && target.cpu === cpu : target.name === name));
}

async function tryRuntime(runtime, registry) {
  const folder = freshFolder(runtime);
  const problems = [];
  const expect = (holds, words) => holds || problems.push(words);
  try {
    const env = bareEnvironment(runtime, folder, registry);
    const wanted = packageName(targetNamed(runtime.target));
    const right = rightPackages(runtime);
    const installed = await installInto(runtime, folder, 'with', registry, env);
    expect(same(installed.chosen, right.map(({ name }) => name).sort()), `it chose ${installed.chosen.join(', ') || 'no binary'}, not ${runtime.target}`);
    expect(same(installed.fetched, [...right.map(packageName), 'holdfast'].sort()), `it fetched ${installed.fetched.join(', ')}`);

    const read = await firstRead(runtime, installed.consumer, env);
    expect(read.told.text !== undefined, `the first read failed: ${read.told.message}`);
    expect(read.told.native?.includes(`holdfast.${runtime.target}.node`), `it loaded ${read.told.native}`);
    if (runtime.resolver) expect(read.told.resolver === runtime.resolver, `the resolver is ${read.told.resolver}, not ${runtime.resolver}`);

    // Deno has no way to omit them.
    if (runtime.kind !== 'deno') {
      const without = await installInto(runtime, folder, 'without', registry, env, ['--omit=optional']);
      expect(without.chosen.length === 0, `--omit=optional installed ${without.chosen.join(', ')}`);
      const { told } = await firstRead(runtime, without.consumer, env);
      expect(told.code === 'native-unavailable' && told.message.includes(`npm install ${wanted}@`), `without the binary it said: ${told.message ?? 'nothing'}`);
    }

    const program = placeProgram(runtime, installed.consumer, 'conformance.mjs');
    const conformance = await execute(runtime, programCommand(runtime, program, program), { cwd: installed.consumer, env });
    const [, passed = '0'] = /^conformance: (\d+) passed, 0 failed$/m.exec(conformance.stdout) ?? [];
    expect(conformance.status === 0 && passed !== '0', `conformance:\n${conformance.stdout}${conformance.stderr}`);

    let suite = '-';
    if (!quick && !flags.has('--no-suite') && runtime.kind === 'node' && !runtime.launcher) {
      placeSuite(runtime, folder, installed.consumer);
      const run = await runSuite(runtime, folder, installed.consumer, env, suiteFor(runtime));
      expect(run.ok, `the suite failed:\n${run.output}`);
      suite = told(run);
      if (runtime.root) {
        const panics = await runPanics(runtime, folder, installed.consumer, env);
        expect(panics.ok && panics.passed > 0, `a panic was not what it should be:\n${panics.output}`);
        suite += `; panics: ${told(panics)}`;
      }
    }
    if (!quick && !flags.has('--no-suite') && runtime.launcher) {
      const checks = await runWindowsChecks(runtime, folder, installed.consumer, env);
      expect(checks.ok, `what should hold on Windows:\n${checks.output}`);
      suite = checks.told;
    }
    return {
      problems,
      line: {
        target: runtime.target,
        'install s': installed.seconds.toFixed(2),
        'first read ms': read.told.milliseconds?.toFixed(1),
        'its process ms': Math.round(read.seconds * 1000),
        exports: `${passed} passed`,
        suite,
      },
    };
  } catch (error) {
    return { problems: [...problems, error.message], line: { target: runtime.target } };
  } finally {
    removeFolder(runtime, folder);
  }
}

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-prebuilt-'));
const failures = [];
try {
  mkdirSync(path.join(projectRoot, '.cache/cross/runtimes'), { recursive: true });
  const packages = packAll(scratch);
  const registry = await startRegistry(packages);
  const table = {};
  try {
    failures.push(...(await choiceProblems(registry, scratch)).map((problem) => `choice: ${problem}`));
    for (const row of rows) {
      const runtime = row === 'this' ? thisNode(hostTarget()) : runtimeOf(row);
      console.log(`prebuilt: ${runtime.title}, ${runtime.target}`);
      if (!(quick ? ownBinary : prebuiltBinary)(targetNamed(runtime.target))) {
        failures.push(`${row}: there is no binary for ${runtime.target}: npm run ${quick ? 'build' : `prebuild -- ${runtime.target}`}`);
        continue;
      }
      const end = emulate(runtime.qemu);
      try {
        const { problems, line } = await tryRuntime(runtime, registry);
        table[`${row}: ${runtime.title}`] = line;
        failures.push(...problems.map((problem) => `${row}: ${problem}`));
      } finally {
        end();
      }
    }
    // npm looks an optional peer up, and installs none.
    const peers = Object.keys(packages[0].manifest.peerDependencies ?? {}).map((name) => `GET /${name}`);
    const strangers = registry.missing.filter((asked) => !peers.includes(asked));
    if (strangers.length > 0) failures.push(`the registry was asked for what is not ours: ${[...new Set(strangers)].join(', ')}`);
  } finally {
    await registry.close();
  }
  console.table(table);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const failure of failures) console.error(`prebuilt: FAILED: ${failure}`);
if (failures.length > 0) process.exit(1);
console.log(`prebuilt: ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}, nothing failed`);
