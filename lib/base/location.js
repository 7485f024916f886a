'use strict';

// Where this code lies: in a file of the package, or in a bundle. Bundles of ES modules have no `require` and no `__filename`.

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { createRequire } = process.getBuiltinModule('node:module');

/** @type {string | undefined} */
let moduleUrl;

/**
 * Stores where the ES module entry lies, or the bundle that contains it.
 *
 * @param {string | undefined} url `import.meta.url`; undefined in a CommonJS bundle
 */
function locate(url) {
  moduleUrl ??= url;
}

/**
 * A `require` that finds packages from this code as Node does; `undefined` in a bundle that does not know its own place.
 *
 * @returns {NodeJS.Require | undefined}
 */
function requireHere() {
  const from = typeof __filename === 'string' ? __filename : moduleUrl;
  try {
    return from === undefined ? undefined : createRequire(from);
  } catch {
    // No file: URL.
    return undefined;
  }
}

/** Folder of the compiled modules of this package; empty in a bundle. */
const DIST = folderOfModules();

function folderOfModules() {
  if (typeof __dirname !== 'string' || path.basename(__dirname) !== 'base') {
    return '';
  }
  const folder = path.dirname(__dirname);
  return path.basename(folder) === 'dist' ? folder : '';
}

/**
 * The folder of the package, if that is a checkout of the project: only there a build of one's own is looked for.
 *
 * @returns {string | undefined}
 */
function checkout() {
  if (DIST === '') {
    return undefined;
  }
  const folder = path.dirname(DIST);
  try {
    const { name } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    return name === 'holdfast' && fs.existsSync(path.join(folder, 'Cargo.toml')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { DIST, checkout, locate, requireHere };
