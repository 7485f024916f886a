// Checks what would be published, on the packed tarball itself: that everything a user needs is in it and nothing
// else, and that it works once installed.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail, projectRoot, run } from './support.mjs';
import { installPacked, packProject } from './pack.mjs';

/** Every file in the tarball has to match one of these, and each of these has to match a file. */
const EXPECTED = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^CHANGELOG\.md$/,
  /^SECURITY\.md$/,
  /^index\.(js|mjs|d\.mts)$/,
  /^(index|errors)\.d\.ts$/,
  /^lib\/[\w-]+\.js$/,
  /^docs\/[\w-]+\.(md|svg)$/,
  /^holdfast\.[\w-]+\.node$/,
];

const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
const problems = [];

/** All the files that `exports`, `main` and `types` name. */
function promisedFiles(value) {
  if (typeof value === 'string') return [value.replace(/^\.\//, '')];
  return Object.values(value).flatMap(promisedFiles);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-package-'));
try {
  const packed = packProject(scratch);
  const files = packed.files.map((file) => file.path);

  for (const file of files) if (!EXPECTED.some((pattern) => pattern.test(file))) problems.push(`${file} does not belong into the package`);
  for (const pattern of EXPECTED) if (!files.some((file) => pattern.test(file))) problems.push(`nothing in the package matches ${pattern}`);
  for (const file of promisedFiles([manifest.exports, manifest.main, manifest.types])) {
    if (!files.includes(file)) problems.push(`package.json names ${file}, which is not in the package`);
  }
  for (const file of readdirSync(path.join(projectRoot, 'lib'))) {
    // Declarations there are for checking the implementation only.
    if (file.endsWith('.js') && !files.includes(`lib/${file}`)) problems.push(`lib/${file} is not in the package`);
  }

  // npm takes `resolved` addresses literally: a lock with them works only where that registry can be reached.
  if (/"resolved"/.test(readFileSync(path.join(projectRoot, 'package-lock.json'), 'utf8'))) {
    problems.push('package-lock.json names a registry host: npm config set omit-lockfile-registry-resolved true, then npm install');
  }

  const crateVersion = /^version = "(.+)"$/m.exec(readFileSync(path.join(projectRoot, 'Cargo.toml'), 'utf8'))?.[1];
  if (crateVersion !== manifest.version) problems.push(`package.json says ${manifest.version}, Cargo.toml ${crateVersion}`);

  const consumer = path.join(scratch, 'consumer');
  mkdirSync(consumer);
  writeFileSync(path.join(consumer, 'package.json'), '{ "private": true }\n');
  installPacked(packed.tarball, consumer);
  if (run(process.execPath, ['scripts/smoke.mjs', consumer]) !== 0) problems.push('the installed package does not work');

  for (const problem of problems) console.error(`package: ${problem}`);
  if (problems.length > 0) fail(`package: ${problems.length} problems`);
  console.log(`package: ${files.length} files, ${Math.ceil(packed.size / 1024)} KiB packed, ${Math.ceil(packed.unpackedSize / 1024)} KiB unpacked; installs and works`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
