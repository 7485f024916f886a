/**
 * holdfast: make a directory private, publish a file atomically, read a local file safely.
 *
 * - Paths in results are absolute and have no links, except {@link EnsureDirResult.firstCreated}. Beneath a root they start with the path
 *   that the root had when it was opened. Paths in errors are those of the caller. Both are strings; bytes that are not UTF-8 become U+FFFD.
 * - Sizes are bytes, modes are numbers (`0o600`), times are milliseconds.
 * - Promise functions reject and never throw synchronously. Their `…Sync` twins have the same options, results and errors.
 * - Promise functions run in libuv's thread pool. Reads and `ensureDir` run on the calling thread when the kernel has the data in memory,
 *   and `ensureDir` also when it creates directories on tmpfs.
 * - Importing the package loads no binary and never throws. The first call loads the binary, or fails with `native-unavailable`.
 *
 * A call fails with one of three kinds of error:
 * 1. `HoldfastError`: a refusal, or a failure with a holdfast code (types/errors.d.ts documents each code).
 * 2. Any other system error (`EACCES`, `ENOSPC`…): the error that `node:fs` throws, with `code`, negative `errno`, `syscall`, `path`, and
 *    `dest` for a rename. Its message escapes unprintable characters of the paths.
 * 3. A wrong argument: `TypeError` (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`) or `RangeError` (`ERR_OUT_OF_RANGE`), before any I/O.
 *
 * Environment variables:
 * - `HOLDFAST_NATIVE_PATH`: path of the native binary, for bundlers and single executables. A relative path starts at the working
 *   directory of the first call.
 * - `HOLDFAST_SKIP_DIR_HARDENING=1` or `OPENCLAW_SKIP_STATE_DIR_HARDEN=1`: `existing: 'tighten'` leaves modes unchanged.
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
