// Locates this code: a file of the package, or a bundle. Bundles of ES modules have no `require` and no `__filename`.

import { fs, nodeModule, path } from './node.js';

const { createRequire } = nodeModule;

let moduleUrl: string | undefined;

/**
 * Stores the URL of the ES module entry, or of the bundle that contains it.
 *
 * @param url `import.meta.url`; undefined in a CommonJS bundle
 */
export function locate(url: string | undefined) {
  moduleUrl ??= url;
}

/** Returns a `require` that resolves packages from this code, or `undefined` in a bundle whose URL is unknown. */
export function requireHere(): NodeJS.Require | undefined {
  const from = typeof __filename === 'string' ? __filename : moduleUrl;
  try {
    return from === undefined ? undefined : createRequire(from);
  } catch {
    // Not a file: URL.
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

/** Returns the folder of the package if it is a checkout of the project. Only a checkout has a binary of its own build. */
export function checkout(): string | undefined {
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

export { DIST };
