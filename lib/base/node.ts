// Node's modules, by `process.getBuiltinModule`: in a bundle of ES modules there is no `require`. Other files load
// expensive modules (`node:crypto`, `node:stream`) in the same way on first use.

export const asyncHooks = process.getBuiltinModule('node:async_hooks');
export const buffer = process.getBuiltinModule('node:buffer');
export const fs = process.getBuiltinModule('node:fs');
export const nodeModule = process.getBuiltinModule('node:module');
export const os = process.getBuiltinModule('node:os');
export const path = process.getBuiltinModule('node:path');
export const perfHooks = process.getBuiltinModule('node:perf_hooks');
export const timers = process.getBuiltinModule('node:timers');
export const url = process.getBuiltinModule('node:url');
export const util = process.getBuiltinModule('node:util');

/**
 * Options for the exact stat of a file. Without a prototype: `FileHandle#stat` of Node 26 takes a `signal`, also that of
 * `Object.prototype`.
 */
export const BIGINT = Object.freeze({ __proto__: null, bigint: true } as unknown as { bigint: true });
