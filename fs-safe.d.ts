/**
 * Drop-in adapters for code that calls `@openclaw/fs-safe` or its predecessor. They keep the shapes, defaults and error classes of
 * those functions, and run holdfast's verbs. docs/fs-safe.md lists every outcome and every option.
 *
 * A host passes its own error class, so that its `instanceof` and `err.code` checks keep working. The library itself is needed only for
 * calls that holdfast does not implement (`original`).
 */
/// <reference types="node" />
export * from './types/fs-safe/binding.js';
export * from './types/fs-safe/files.js';
export * from './types/fs-safe/parent-dir.js';
export * from './types/fs-safe/read.js';
export * from './types/fs-safe/replace.js';
export * from './types/fs-safe/root.js';
