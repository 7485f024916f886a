/**
 * Drop-in adapters for code that calls `@openclaw/fs-safe`, or the functions of the generation before it: the shapes, defaults
 * and error classes its callers know, and holdfast's verbs beneath. docs/fs-safe.md lists every outcome and every option.
 *
 * A host hands in its own error class, so that its `instanceof` and `err.code` checks keep working. Nothing of the library itself
 * is needed, except for what it alone can do (`original`).
 */
/// <reference types="node" />
export * from './types/fs-safe/binding.js';
export * from './types/fs-safe/files.js';
export * from './types/fs-safe/parent-dir.js';
export * from './types/fs-safe/read.js';
export * from './types/fs-safe/replace.js';
export * from './types/fs-safe/root.js';
