// Extracts files of Debian packages of any release and architecture without installing them, for the chroots of other
// systems. apt fetches them and checks the signatures; its lists and archives are in the cache.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cache, needDebianPackages } from './toolchain.mjs';

const folder = path.join(cache, 'debian');
const RELEASES = ['bookworm', 'bookworm-backports', 'trixie'];
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

const OPTIONS = [
  `Dir::Etc::sourcelist=${folder}/sources.list`,
  'Dir::Etc::sourceparts=-',
  `Dir::State::lists=${folder}/lists`,
  `Dir::State::status=${folder}/status`,
  `Dir::Cache=${folder}`,
  'APT::Architecture=amd64',
  'APT::Architectures::=amd64',
  'APT::Architectures::=arm64',
  'Acquire::Languages=none',
  // apt's download user may have no access to the checkout.
  'APT::Sandbox::User=root',
].flatMap((option) => ['-o', option]);

function apt(args) {
  const result = spawnSync('apt-get', ['-qq', ...OPTIONS, ...args], { cwd: folder, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`apt-get ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}

let updated = false;

function update() {
  if (updated) return;
  needDebianPackages('debian-archive-keyring');
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(path.join(folder, name), { recursive: true });
  const sources = RELEASES.map((release) => `deb [signed-by=${KEYS}] http://deb.debian.org/debian ${release} main\n`);
  writeFileSync(path.join(folder, 'sources.list'), sources.join(''));
  writeFileSync(path.join(folder, 'status'), '');
  apt(['update']);
  updated = true;
}

/**
 * Unpacks packages into a folder.
 * @param {string} into
 * @param {string} release bookworm, bookworm-backports or trixie
 * @param {'amd64' | 'arm64'} architecture
 * @param {string[]} names
 */
export function unpackDebian(into, release, architecture, names) {
  for (const name of names) {
    const kept = path.join(folder, 'archives', `${release}-${architecture}-${name}`);
    if (!existsSync(kept) || readdirSync(kept).length === 0) {
      update();
      mkdirSync(kept, { recursive: true });
      const result = spawnSync('apt-get', ['-qq', ...OPTIONS, 'download', `${name}:${architecture}/${release}`], { cwd: kept, encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`apt-get download ${name}: ${result.stderr}`);
    }
    for (const file of readdirSync(kept)) {
      const result = spawnSync('dpkg-deb', ['--extract', path.join(kept, file), into], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`dpkg-deb ${file}: ${result.stderr}`);
    }
  }
}
