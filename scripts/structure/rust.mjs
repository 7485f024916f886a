// Reads imports of Rust files from their `use` declarations and from paths in their code.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../support.mjs';
import { sourceFiles } from './graph.mjs';

/** Returns code without comments, strings and test modules. */
function stripped(text) {
  return text
    .replace(/\/\/[^\n]*/g, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/b?"(?:\\.|[^"\\])*"/g, '""')
    .replace(/#\[cfg\((?:test|all\(test[^\n]*)\)\]\s*mod \w+ \{[\s\S]*$/m, '');
}

/** Expands `a::{b, c::{self, d as e}}` to `a::b`, `a::c`, `a::c::d`. */
function expand(tree) {
  const open = tree.indexOf('{');
  if (open === -1) {
    const [name] = tree.trim().split(/\s+as\s+/);
    return [name.replace(/::self$/, '')];
  }
  const prefix = tree.slice(0, open).trim();
  const inner = tree.slice(open + 1, tree.lastIndexOf('}'));
  const parts = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= inner.length; at += 1) {
    const character = inner[at];
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (at === inner.length || (character === ',' && depth === 0)) {
      const part = inner.slice(start, at).trim();
      if (part) parts.push(part);
      start = at + 1;
    }
  }
  return parts.flatMap((part) => expand(part === 'self' ? prefix.replace(/::$/, '') : prefix + part));
}

class Crate {
  constructor(root) {
    this.root = root;
    this.files = sourceFiles([root], ['.rs']);
    this.code = new Map(this.files.map((file) => [file, stripped(readFileSync(path.join(projectRoot, file), 'utf8'))]));
  }

  /** Module path of a file: `core/src/ops/read.rs` is `['ops', 'read']`. */
  modulePath(file) {
    const parts = file.slice(this.root.length + 1).replace(/\.rs$/, '').split('/');
    if (parts.at(-1) === 'mod' || (parts.length === 1 && parts[0] === 'lib')) parts.pop();
    return parts;
  }

  fileOf(modules) {
    if (modules.length === 0) return `${this.root}/lib.rs`;
    const base = `${this.root}/${modules.join('/')}`;
    return [`${base}.rs`, `${base}/mod.rs`].find((name) => existsSync(path.join(projectRoot, name)));
  }

  /** Absolute module path of a path in a module; undefined for a path into another crate. */
  absolute(segments, modules) {
    const [first, ...rest] = segments;
    if (first === 'crate') return rest;
    if (first === 'self') return [...modules, ...rest];
    if (first === 'super') {
      let up = modules.slice(0, -1);
      let left = rest;
      while (left[0] === 'super') {
        up = up.slice(0, -1);
        left = left.slice(1);
      }
      return [...up, ...left];
    }
    return this.fileOf([...modules, first]) ? [...modules, ...segments] : undefined;
  }

  uses(file) {
    return [...this.code.get(file).matchAll(/(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);/g)].map(([, visibility, tree]) => ({
      isExport: visibility !== undefined,
      paths: expand(tree.replace(/\s+/g, ' ')).map((text) => text.split('::').map((part) => part.trim())),
    }));
  }

  defines(file, name) {
    return new RegExp(`\\b(?:fn|struct|enum|union|const|static|type|trait|mod|macro_rules!)\\s+(?:mut\\s+)?${name}\\b`).test(this.code.get(file));
  }

  /** The file that defines a path, resolved through re-exports. */
  definition(segments, seen = new Set()) {
    const key = segments.join('::');
    if (seen.has(key)) return undefined;
    seen.add(key);
    for (let length = segments.length; length >= 0; length -= 1) {
      const file = this.fileOf(segments.slice(0, length));
      if (!file || !this.code.has(file)) continue;
      const name = segments[length];
      if (name === undefined || name === '*' || this.defines(file, name)) return file;
      const modules = this.modulePath(file);
      for (const { isExport, paths } of this.uses(file)) {
        if (!isExport) continue;
        for (const exported of paths) {
          const target = this.absolute(exported, modules);
          if (!target) continue;
          if (exported.at(-1) === name) return this.definition(target, seen) ?? file;
          if (exported.at(-1) === '*') {
            const found = this.definition([...target.slice(0, -1), name], seen);
            if (found && this.defines(found, name)) return found;
          }
        }
      }
      return file;
    }
    return undefined;
  }
}

/**
 * Imports of every file of a crate. Re-exports of a `mod.rs` do not count as its imports.
 *
 * @param {string} root folder with `lib.rs`
 * @returns {Map<string, Set<string>>}
 */
export function rustImports(root) {
  const crate = new Crate(root);
  return new Map(
    crate.files.map((file) => {
      const modules = crate.modulePath(file);
      const used = crate.uses(file).filter(({ isExport }) => !isExport).flatMap(({ paths }) => paths);
      const code = crate.code.get(file).replace(/(?:pub(?:\([^)]*\))?\s+)?\buse\s+[^;]+;/g, '');
      const inline = [...code.matchAll(/\b(?:crate|super|self)(?:::\w+)+/g)].map(([text]) => text.split('::'));
      const bare = [...code.matchAll(/(?<![:\w])([a-z]\w*)::\w+/g)].map(([text]) => text.split('::')).filter(([first]) => isModule(crate, modules, file, first));
      const targets = [...used, ...inline, ...bare]
        .map((segments) => crate.absolute(segments, modules))
        .filter((segments) => segments !== undefined)
        .map((segments) => crate.definition(segments));
      return [file, new Set(targets.filter((target) => target !== undefined && target !== file))];
    }),
  );
}

/** Whether a bare first segment is a child module declared in this file. */
function isModule(crate, modules, file, name) {
  return new RegExp(`\\bmod ${name};`).test(crate.code.get(file)) && crate.fileOf([...modules, name]) !== undefined;
}
