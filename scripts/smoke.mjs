// Smoke test of a package: both module systems share one implementation, importing loads no binary, and each verb works
// once. scripts/nodes.mjs runs it on every Node line, scripts/check-package.mjs against the packed tarball. The
// optional argument is the folder from which Node resolves the package `holdfast`.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const consumer = process.argv[2];
const here = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(path.join(consumer ?? here, 'consumer.cjs'));

const loadedAddons = () => Object.keys(require.cache).filter((file) => file.endsWith('.node'));

const commonjs = require(consumer ? 'holdfast' : path.join(here, 'index.js'));
const manifest = require(consumer ? 'holdfast/package.json' : path.join(here, 'package.json'));
// An ESM program resolves with the `import` condition, createRequire does not: reads the target from the manifest.
const esmEntry = path.join(consumer ? path.join(consumer, 'node_modules/holdfast') : here, manifest.exports['.'].import.default);
const esm = await import(pathToFileURL(esmEntry).href);

assert.deepEqual(loadedAddons(), [], 'importing loads no binary');
assert.equal('default' in esm, false, 'there is no default export');
assert.deepEqual(Object.keys(commonjs).sort(), Object.keys(esm).sort(), 'both module systems export the same names');
for (const name of Object.keys(esm)) assert.equal(esm[name], commonjs[name], `${name} is the same object in both`);

const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-smoke-'));
try {
  const directory = path.join(scratch, 'state', 'agent');
  const file = path.join(directory, 'session.json');

  assert.equal(esm.ensureDirSync(directory).isPrivate, true);
  assert.equal((await esm.ensureDir(directory)).hardening, 'not-needed');
  assert.equal(esm.writeAtomicSync(file, 'one', { mode: esm.PRIVATE_FILE_MODE }).created, true);
  assert.equal((await esm.writeAtomic(file, 'two')).created, false);
  assert.equal(readFileSync(file, 'utf8'), 'two');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(esm.readLocalFileSafelySync(file).buffer.toString(), 'two');
  assert.equal((await esm.readLocalFileSafely({ filePath: file })).buffer.toString(), 'two');
  await assert.rejects(esm.readLocalFileSafely(`${file}.missing`), (error) => esm.isHoldfastError(error) && error.code === 'not-found');
  console.log(`smoke: Node ${process.versions.node} ${process.platform}-${process.arch}, holdfast ${manifest.version}: ensureDir, writeAtomic and readLocalFileSafely work`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
