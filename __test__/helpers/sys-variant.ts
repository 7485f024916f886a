// Variants of the addon, built by scripts/variant.mjs.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { repository } from './sys-scratch.js';

/** Returns an addon with panics on demand: the one under test if it has them (`npm run test:asan`), or a new build. */
export function addonWithDefects(): string {
  const given = process.env['HOLDFAST_NATIVE_PATH'];
  if (given !== undefined && 'defectArm' in (createRequire(import.meta.url)(given) as object)) return given;
  const built = spawnSync(process.execPath, [join(repository, 'scripts/variant.mjs'), 'defects'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  return built.stdout.trim();
}
