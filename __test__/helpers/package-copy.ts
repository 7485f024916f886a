import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratch } from './scratch.js';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Returns the binary of this checkout or, inside an installed package, the one that its package manager chose. */
export function binaryOfPackage(): string {
  const built = fs.readdirSync(PACKAGE).filter((name) => /^holdfast\..*\.node$/.test(name));
  if (built.length === 1) return path.join(PACKAGE, built[0]!);
  const scope = path.join(PACKAGE, '..', '@holdfast');
  const chosen = built.length === 0 && fs.existsSync(scope) ? fs.readdirSync(scope) : [];
  if (chosen.length !== 1) throw new Error(`one binary was expected, found ${built.length} in the package and ${chosen.length} beside it`);
  return path.join(scope, chosen[0]!, `holdfast.${chosen[0]}.node`);
}

/** Makes an independent copy of the package, as an installation would. `withBinary: false` omits the binary. */
export function copyOfPackage({ withBinary = true } = {}): string {
  const folder = path.join(scratch(), 'holdfast');
  fs.mkdirSync(folder);
  for (const name of ['package.json', 'index.js', 'index.mjs', 'dist']) {
    fs.cpSync(path.join(PACKAGE, name), path.join(folder, name), { recursive: true });
  }
  if (withBinary) installBinary(folder);
  return folder;
}

/**
 * Installs the binary into a package folder as its platform package does, so that the package finds it. Returns its
 * path.
 */
export function installBinary(folder: string, binary: string | Buffer = fs.readFileSync(binaryOfPackage())): string {
  const name = path.basename(binaryOfPackage());
  const target = name.split('.')[1]!;
  const at = path.join(folder, 'node_modules/@holdfast', target);
  fs.mkdirSync(at, { recursive: true });
  fs.writeFileSync(path.join(at, 'package.json'), JSON.stringify({ name: `@holdfast/${target}`, main: name }));
  fs.writeFileSync(path.join(at, name), binary);
  return path.join(at, name);
}
