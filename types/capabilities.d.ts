/// <reference types="node" />

/** Features of this build on this system. They are probed once. */
export interface Capabilities {
  /** Version of the native binary. */
  version: string;
  /** `process.platform`. */
  platform: NodeJS.Platform;
  /** `process.arch`. */
  arch: NodeJS.Architecture;
  /**
   * How paths are resolved beneath a root. `'open-flags'` uses `O_NOFOLLOW_ANY` of macOS, and `O_RESOLVE_BENEATH` where links may be
   * followed.
   */
  resolver: 'openat2' | 'open-flags' | 'walk';
  /** Whether `openat2` works: Linux 5.6 or newer, and no seccomp filter blocks it. */
  openat2: boolean;
  /** Whether exclusive rename works: `renameat2(RENAME_NOREPLACE)` (Linux 3.15). */
  renameNoReplace: boolean;
  /** Whether `fchmodat2(AT_EMPTY_PATH)` works (Linux 6.6). Without it `/proc/self/fd` is used. */
  fchmodat2: boolean;
  /** Whether `statx` works (Linux 4.11). */
  statx: boolean;
  /**
   * Whether a file without a name (`O_TMPFILE`) can be linked, by `linkat(AT_EMPTY_PATH)` or `/proc`. A killed process then leaves no
   * temporary of a new file on a local file system.
   */
  tmpfile: boolean;
  /** Path of the native binary that was loaded. */
  native: string;
}

/**
 * Returns what the native binary supports on this system. Loads the binary first, if it is not loaded yet.
 *
 * @example
 * const { resolver, tmpfile } = capabilities();
 *
 * @throws {HoldfastError} `native-unavailable` when the binary is missing or cannot be loaded.
 */
export function capabilities(): Capabilities;
