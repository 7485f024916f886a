// Types of a failed call.

/** A path as the binary takes it. */
export type NativePath = string | Uint8Array;

/** Facts of a failure, as the binary reports them. */
export interface Failure {
  /** empty for an error of the system */
  code: string;
  /** which of the code's cases it is */
  detail: string;
  syscall: string;
  /** path of the temporary, for a failed rename */
  temporary: string;
  /** positive, or 0 */
  errno: number;
  mode: number | undefined;
  uid: number | undefined;
  euid: number | undefined;
  /** bytes of the object */
  size: number | undefined;
}

/** What the caller knows beyond the failure. */
export interface Context {
  maxBytes?: number;
  /** absolute path of the object, byte for byte, for commands */
  location?: string | Uint8Array;
}
