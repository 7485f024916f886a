// Packs the project as `npm publish` would and installs the result as a user would.

import path from 'node:path';
import { captureNpm, projectRoot } from './support.mjs';

/**
 * Packs the project into a folder. The addon has to be built already: `--ignore-scripts` leaves out `prepack`, whose
 * output would mix with the JSON.
 * @returns {{ tarball: string, files: { path: string }[], size: number, unpackedSize: number }}
 */
export function packProject(destination) {
  const output = captureNpm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination], { cwd: projectRoot });
  // npm 11 prints a list, npm 12 an object keyed by package name.
  const [report] = Object.values(JSON.parse(output));
  return { ...report, tarball: path.join(destination, report.filename) };
}

/** Installs the tarball into a folder that has a package.json. It has no dependencies, so no registry is asked. */
export function installPacked(tarball, folder) {
  captureNpm(['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', tarball], { cwd: folder });
}
