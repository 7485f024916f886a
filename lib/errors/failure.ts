// Types of a failed call.

/** A path as the binary takes it. */
export type NativePath = string | Uint8Array;

/** Facts of a failure, as the binary reports them. */
export interface Failure {
  /** empty for a system error */
  code: string;
  /** the case within the code */
  detail: string;
  syscall: string;
  /** path of the temporary, for a failed rename */
  temporary: string;
  /** positive, or 0 */
  errno: number;
  mode: number | undefined;
  uid: number | undefined;
  euid: number | undefined;
  /** size of the object in bytes */
  size: number | undefined;
}

/** Facts that only the caller has. */
export interface Context {
  maxBytes?: number;
  maxEntries?: number;
  /** absolute path of the object, byte for byte, for commands */
  location?: string | Uint8Array;
}
