// Imports of TypeScript files, read from `import`, `import … = require()` and `export … from`, types included.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';

const SPECIFIER = /\bfrom\s*['"](\.[^'"]+)['"]|^import\s*['"](\.[^'"]+)['"]|\b(?:import|require)\(\s*['"](\.[^'"]+)['"]\s*\)/gm;

function resolve(file, specifier) {
  const base = path.posix.join(path.posix.dirname(file), specifier.replace(/\.js$/, ''));
  return [`${base}.ts`, `${base}/index.ts`, `${base}.d.ts`].find((name) => existsSync(path.join(projectRoot, name)));
}

/**
 * @param {string[]} files relative to the project
 * @returns {Map<string, Set<string>>} the files that each one imports
 */
export function typescriptImports(files) {
  return new Map(
    files.map((file) => {
      const text = readFileSync(path.join(projectRoot, file), 'utf8').replace(/^\s*(?:\/\/|\*).*$/gm, '');
      const targets = [...text.matchAll(SPECIFIER)].map(([, from, bare, called]) => resolve(file, from ?? bare ?? called));
      return [file, new Set(targets.filter((target) => target !== undefined && target !== file))];
    }),
  );
}
