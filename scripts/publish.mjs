// Publishes packed tarballs: the platform packages first, then holdfast, which depends on them. Skips versions that the
// registry already has, so that an interrupted run can be repeated. For the release workflow.
//
//   node scripts/publish.mjs packed [--dry-run] [further arguments of npm publish]

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { TARGETS, packageName } from './prebuilt/targets.mjs';
import { fail, projectRoot, runNpm } from './support.mjs';

const [folder, ...options] = process.argv.slice(2);
if (!folder) fail('publish: name the folder that `npm run pack` filled');

const { name, version } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
const tarballOf = (packed) => `${packed.replace('@', '').replace('/', '-')}-${version}.tgz`;
const order = [...TARGETS.map(packageName), name];

const present = new Set(readdirSync(folder));
const missing = order.filter((packed) => !present.has(tarballOf(packed)));
if (missing.length > 0) fail(`publish: ${folder} has no ${missing.join(', ')}; nothing was published`);

/** Whether the registry has this version. Stops on any error but "not found". */
function isPublished(packed) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${packed}@${version}`, 'version', '--json'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim() !== '';
  if (/E404/.test(`${stdout}${stderr}`)) return false;
  return fail(`publish: npm view ${packed}: ${stderr}`);
}

for (const packed of order) {
  if (isPublished(packed)) {
    console.log(`publish: ${packed}@${version} is there already`);
    continue;
  }
  if (runNpm(['publish', path.resolve(folder, tarballOf(packed)), '--access', 'public', ...options]) !== 0) fail(`publish: ${packed} was not published`);
}
