/** Options of {@link ensureParentDirSync}. */
export interface EnsureParentDirOptions {
  /** Beneath it no component may be a symbolic link; it may itself be reached through one. It is made if it is missing. */
  trustedRoot: string;
  /** A file elsewhere is no error: only its directory may not be a link then. Default `false`. */
  allowOutsideRoot?: boolean | undefined;
  /** Begins the sentences that callers match. Default `'Path'`. */
  messagePrefix?: string | undefined;
  /** `'current'`: `<prefix> must not traverse symlinked directory: <path>`; `'legacy'`: `<prefix>: <path>`. Default `'current'`. */
  style?: 'current' | 'legacy' | undefined;
}

/**
 * Makes the directory of a file private by the rules of `ensureDir`, and returns it as `path.dirname` spells it. Where the system
 * refuses the hardening, as on a Kubernetes volume with `fsGroup`, the call succeeds and a process warning says so.
 *
 * @throws {Error} a plain one for a symbolic link, and for a file outside the root; `EEXIST` or `ENOTDIR` where something is no directory.
 */
export function ensureParentDirSync(filePath: string, options: EnsureParentDirOptions): string;
