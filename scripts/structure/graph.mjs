// Lists source files of the tree, and finds cycles among their imports.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';

/** Files beneath the folders with one of the extensions, relative to the project. */
export function sourceFiles(folders, extensions) {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(projectRoot, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
        .map((entry) => path.posix.join(path.relative(projectRoot, entry.parentPath ?? entry.path), entry.name)),
    )
    .sort();
}

/**
 * Strongly connected components of more than one file (Tarjan's algorithm).
 *
 * @param {Map<string, Set<string>>} imports
 * @returns {string[][]}
 */
export function findCycles(imports) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const onStack = new Set();
  const cycles = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    onStack.add(file);
    for (const target of imports.get(file) ?? []) {
      if (!index.has(target)) {
        visit(target);
        low.set(file, Math.min(low.get(file), low.get(target)));
      } else if (onStack.has(target)) {
        low.set(file, Math.min(low.get(file), index.get(target)));
      }
    }
    if (low.get(file) !== index.get(file)) return;
    const component = [];
    let member;
    do {
      member = stack.pop();
      onStack.delete(member);
      component.push(member);
    } while (member !== file);
    if (component.length > 1) cycles.push(component.reverse());
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return cycles;
}
