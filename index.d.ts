/**
 * holdfast: make a directory private, publish a file atomically, read a local file safely.
 *
 * - Paths in results are absolute and real (but for {@link EnsureDirResult.firstCreated}); beneath a root they begin with its path when it was opened.
 *   Paths in errors are as the caller gave them. Both are strings, with U+FFFD for what is not UTF-8.
 * - Sizes are bytes, modes are numbers (`0o600`), times are milliseconds.
 * - Promise functions reject and never throw synchronously; `…Sync` twins have the same options, results and errors. Promise
 *   functions work in libuv's pool; reads and `ensureDir` do so on the calling thread where the kernel answers from memory.
 * - Importing loads no binary and never throws. The first call loads it, or fails with `native-unavailable`.
 *
 * A call fails with one of three kinds of error:
 * 1. `HoldfastError`: a refusal, or an outcome with a code of its own (types/errors.d.ts documents each code);
 * 2. any other failure of the system (`EACCES`, `ENOSPC`…): the error `node:fs` would throw, with `code`, negative `errno`, `syscall`,
 *    `path`, and `dest` for a rename, and their unprintable characters escaped in the message;
 * 3. a wrong argument: `TypeError` (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`) or `RangeError` (`ERR_OUT_OF_RANGE`), before any I/O.
 *
 * Environment variables:
 * - `HOLDFAST_NATIVE_PATH`: path of the native binary, for bundlers and single executables; a relative one starts at the working
 *   directory of the first call;
 * - `HOLDFAST_SKIP_DIR_HARDENING=1` or `OPENCLAW_SKIP_STATE_DIR_HARDEN=1`: `existing: 'tighten'` leaves modes alone.
 */
/// <reference types="node" />
export * from './types/append.js';
export * from './types/capabilities.js';
export * from './types/common.js';
export * from './types/ensure-dir.js';
export * from './types/errors.js';
export * from './types/lock.js';
export * from './types/read.js';
export * from './types/root-read.js';
export * from './types/root-state.js';
export * from './types/root.js';
export * from './types/root-changes.js';
export * from './types/root-set.js';
export * from './types/stage.js';
export * from './types/temp-root.js';
export * from './types/update.js';
export * from './types/write.js';
