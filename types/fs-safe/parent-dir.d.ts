/** Options of {@link ensureParentDirSync}. */
export interface EnsureParentDirOptions {
  /**
   * Directory beneath which no component may be a symbolic link. Its own path may go through links. The call creates it if it is
   * missing.
   */
  trustedRoot: string;
  /** Accept a file outside `trustedRoot`. Then only its directory must not be a link. Default `false`. */
  allowOutsideRoot?: boolean | undefined;
  /** First words of the error messages, which callers match. Default `'Path'`. */
  messagePrefix?: string | undefined;
  /** Form of the message: `'current'` is `<prefix> must not traverse symlinked directory: <path>`, `'legacy'` is `<prefix>: <path>`. Default `'current'`. */
  style?: 'current' | 'legacy' | undefined;
}

/**
 * Creates the directory of a file, if it is missing, and makes it private by the rules of `ensureDir`. When the system refuses the change,
 * as on a Kubernetes volume with `fsGroup`, the call succeeds and emits a process warning.
 *
 * @returns The directory, as `path.dirname` returns it.
 *
 * @example
 * const dir = ensureParentDirSync('state/approvals.json', { trustedRoot: process.cwd(), allowOutsideRoot: true });
 *
 * @throws {Error} A plain `Error` for a symbolic link, and for a file outside the root. `EEXIST` or `ENOTDIR` when a component is not a
 * directory.
 */
export function ensureParentDirSync(filePath: string, options: EnsureParentDirOptions): string;
