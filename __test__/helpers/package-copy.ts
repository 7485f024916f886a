import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratch } from './scratch.js';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** The built binary of this checkout. */
export function binaryOfPackage(): string {
  const found = fs.readdirSync(PACKAGE).filter((name) => /^holdfast\..*\.node$/.test(name));
  if (found.length !== 1) throw new Error(`one built binary was expected in the package, found ${found.length}`);
  return path.join(PACKAGE, found[0]!);
}

/** A second, independent copy of the package, as an installation would have it; `withBinary: false` leaves the binary out. */
export function copyOfPackage({ withBinary = true } = {}): string {
  const folder = path.join(scratch(), 'holdfast');
  fs.mkdirSync(folder);
  for (const name of ['package.json', 'index.js', 'index.mjs', 'lib']) {
    fs.cpSync(path.join(PACKAGE, name), path.join(folder, name), { recursive: true });
  }
  if (withBinary) fs.copyFileSync(binaryOfPackage(), path.join(folder, path.basename(binaryOfPackage())));
  return folder;
}
