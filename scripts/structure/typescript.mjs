// Imports of TypeScript files, read from their `import` and `export … from` statements.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';

const STATEMENT = /^(?:import|export)\b[^'"]*?\bfrom\s*['"](\.[^'"]+)['"]|^import\s*['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/gm;

function resolve(file, specifier) {
  const base = path.posix.join(path.posix.dirname(file), specifier.replace(/\.js$/, ''));
  return [`${base}.ts`, `${base}/index.ts`, `${base}.d.ts`].find((name) => existsSync(path.join(projectRoot, name)));
}

/**
 * @param {string[]} files
 * @returns {Map<string, Set<string>>}
 */
export function typescriptImports(files) {
  return new Map(
    files.map((file) => {
      const text = readFileSync(path.join(projectRoot, file), 'utf8');
      const targets = [...text.matchAll(STATEMENT)].map(([, from, bare, dynamic]) => resolve(file, from ?? bare ?? dynamic));
      return [file, new Set(targets.filter((target) => target !== undefined && target !== file))];
    }),
  );
}
