/// <reference types="node" />

/** What this build does on this system, probed once. */
export interface Capabilities {
  /** Version of the native binary. */
  version: string;
  /** `process.platform`. */
  platform: NodeJS.Platform;
  /** `process.arch`. */
  arch: NodeJS.Architecture;
  /** How paths are resolved beneath a root: `open-flags` are `O_NOFOLLOW_ANY` and, where links may be followed, `O_RESOLVE_BENEATH` of macOS. */
  resolver: 'openat2' | 'open-flags' | 'walk';
  /** `openat2` works (Linux 5.6, and not filtered). */
  openat2: boolean;
  /** Exclusive rename: `renameat2(RENAME_NOREPLACE)` (Linux 3.15). */
  renameNoReplace: boolean;
  /** `fchmodat2(AT_EMPTY_PATH)` (Linux 6.6); without it `/proc/self/fd` is used. */
  fchmodat2: boolean;
  /** `statx` (Linux 4.11). */
  statx: boolean;
  /**
   * A file without a name (`O_TMPFILE`) can be given one: `linkat(AT_EMPTY_PATH)`, or `/proc`. Then a killed process leaves no
   * temporary of a new file on a local file system.
   */
  tmpfile: boolean;
  /** Path of the native binary that was loaded. */
  native: string;
}

/** Loads the native binary, if it is not loaded yet, and reports what it can do here. Throws `native-unavailable` without one. */
export function capabilities(): Capabilities;
