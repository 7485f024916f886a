// Runs the fuzz targets of fuzz/ on a nightly Rust, which their instrumentation needs.
//
//   npm run fuzz                     each target for 60 seconds
//   npm run fuzz -- sequences        one target
//   npm run fuzz -- sequences 3600   for an hour
//   npm run fuzz -- 30               each for 30 seconds
//
// Fails if nightly or cargo-fuzz is missing, and prints how to install it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail, findCargo, projectRoot, run } from './support.mjs';

const TARGETS = ['path_text', 'sequences', 'state'];
/** Enough for shallow crashes; longer runs find the others. */
const DEFAULT_SECONDS = 60;
/** Longer inputs repeat what shorter ones do. */
const MAX_LENGTH = 512;
/** The tested version: `cargo install cargo-fuzz` takes the newest release of this line. */
const CARGO_FUZZ = '0.13';

const chosen = process.argv.slice(2).filter((argument) => !/^\d+$/.test(argument));
const seconds = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? DEFAULT_SECONDS);
const unknown = chosen.filter((target) => !TARGETS.includes(target));
if (unknown.length > 0) fail(`fuzz: there is no target ${unknown.join(', ')}, only ${TARGETS.join(', ')}.`);

const cargo = findCargo();
if (!cargo) fail('fuzz: there is no Rust here; https://rustup.rs installs it.');
const answers = (...args) => spawnSync(cargo, args, { stdio: 'ignore' }).status === 0;
if (!answers('+nightly', '--version')) {
  fail('fuzz: it needs a nightly Rust: `rustup toolchain install nightly --profile minimal`.');
}
if (!answers('fuzz', '--version')) {
  console.log(`fuzz: installing cargo-fuzz ${CARGO_FUZZ}`);
  // With the stable Rust: only the fuzzed code needs nightly.
  const status = run(cargo, ['install', '--quiet', '--locked', 'cargo-fuzz', '--version', `^${CARGO_FUZZ}`]);
  if (status !== 0) fail('fuzz: cargo-fuzz could not be installed: `cargo install cargo-fuzz` says why.');
}

/** Makes and returns a target's folder of inputs; libFuzzer requires it to exist. */
function folder(kind, target) {
  const name = path.join(projectRoot, 'fuzz', kind, target);
  mkdirSync(name, { recursive: true });
  return name;
}

/**
 * Writes the seeds to the corpus, where libFuzzer reads inputs and adds new ones. The corpus is not committed. Seeds
 * are short inputs that fuzzing chose for their coverage, one per line in base64; those of state are random. The first 28 for sequences are
 * handwritten: every verb, under every policy, on paths that leave a root.
 */
function plantSeeds(target) {
  const corpus = folder('corpus', target);
  const seeds = readFileSync(path.join(projectRoot, 'fuzz/seeds', `${target}.txt`), 'latin1').split('\n').filter(Boolean);
  seeds.forEach((seed, index) => writeFileSync(path.join(corpus, `seed-${index}`), Buffer.from(seed, 'base64')));
  return corpus;
}

function fuzz(target) {
  console.log(`fuzz: ${target} for ${seconds} s`);
  const options = [`-max_total_time=${seconds}`, `-max_len=${MAX_LENGTH}`, '-len_control=20', '-verbosity=0', '-print_final_stats=1'];
  return run(cargo, ['+nightly', 'fuzz', 'run', target, plantSeeds(target), '--', ...options]) === 0;
}

const failed = (chosen.length > 0 ? chosen : TARGETS).filter((target) => !fuzz(target));
for (const target of failed) {
  const found = readdirSync(folder('artifacts', target));
  console.error(`fuzz: ${target} failed; inputs in fuzz/artifacts/${target}: ${found.join(', ') || 'none'}`);
}
if (failed.length > 0) process.exit(1);
console.log('fuzz: nothing found');
