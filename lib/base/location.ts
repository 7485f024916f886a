// Where this code lies: in a file of the package, or in a bundle. Bundles of ES modules have no `require` and no `__filename`.

import { fs, nodeModule, path } from './node.js';

const { createRequire } = nodeModule;

let moduleUrl: string | undefined;

/**
 * Stores where the ES module entry lies, or the bundle that contains it.
 *
 * @param url `import.meta.url`; undefined in a CommonJS bundle
 */
export function locate(url: string | undefined) {
  moduleUrl ??= url;
}

/** A `require` that finds packages from this code as Node does; `undefined` in a bundle that does not know its own place. */
export function requireHere(): NodeJS.Require | undefined {
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

/** The folder of the package, if that is a checkout of the project: only there a build of one's own is looked for. */
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
