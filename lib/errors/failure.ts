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
  /** path of the temporary, for a failed rename; of the lock file, where that is refused */
  temporary: string;
  /** path of the entry of a tree that the error concerns, relative to the path of the call; empty for that path itself */
  entry: string;
  /** positive, or 0 */
  errno: number;
  mode: number | undefined;
  uid: number | undefined;
  euid: number | undefined;
  /** size of the object in bytes */
  size: number | undefined;
  /** text about the holder of a lock */
  holder?: string | undefined;
  /** the call of this environment that has the lock */
  ownHolder?: string | undefined;
  /** the text about the holder is that of this process */
  isOwnProcess?: boolean;
  /** what the call could not undo */
  remains?: Remains;
}

/** What a failed call could not undo. */
export interface Remains {
  /** path of a temporary that could not be removed, or empty */
  temporary: string;
  /** why: a positive errno */
  temporaryErrno: number;
  /** mode of a target that did not get its former permissions back */
  mode: number | undefined;
  /** why: a positive errno, or 0 if its content was not restored first */
  modeErrno: number;
}

/** Facts that only the caller has. */
export interface Context {
  maxBytes?: number | undefined;
  maxEntries?: number;
  /** the paths of a call that has two */
  first?: NativePath;
  second?: NativePath;
  /** what a call of the shared state is for */
  verb?: 'lock' | 'update' | 'append';
  /** the option `lockDir` of such a call */
  lockDir?: NativePath | undefined;
  /** what a call that ended early has done; the name of the field in the error */
  done?: 'removed' | 'copied';
  /** absolute path of the object, byte for byte, for commands */
  location?: string | Uint8Array;
}

/** What a message says: the cause, and what helps. */
export interface Explained {
  sentence: string;
  remedy?: string;
}
