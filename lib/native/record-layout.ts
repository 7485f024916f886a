// The layout of the record that the binary returns. Generated from the table in scripts/record-layout.mjs: edit that, and run it.

/** Sizes of a record, and the indices that all records have. */
export const enum Layout {
  /** Numbers at the start of a record. */
  NUMBERS = 32,
  /** Bytes for text after the numbers: more than two paths. */
  TEXT = 8192,
  /** Index of the status in every record; 0 is success. */
  STATUS = 0,
  /** Index of the flag that says: the path as given is the real one, and no text repeats it. */
  IS_AS_GIVEN = 29,
  /** Index of the containment in every record of a success. */
  CONTAINMENT = 30,
  /** Index of the length of the text, in bytes. */
  TEXT_LENGTH = 31,
}

/** Values at the index of the status. */
export const enum Status {
  /** The record is an error. */
  FAILED = 1,
  /** There is no result from memory. */
  NOT_CACHED = 2,
  /** There is no result from memory, and the locality of the mount is not known yet. */
  UNKNOWN_MOUNT = 3,
  /** The file is open and judged; its content is not in memory, or too much for this thread. */
  UNREAD = 4,
}

/** An error. */
export const enum FailureIndex {
  ERRNO = 1,
  MODE = 2,
  UID = 3,
  EUID = 4,
  SIZE = 5,
  /** Why the temporary remains whose path is in the text. */
  LEFT_ERRNO = 6,
  /** Mode of a target that did not get its former permissions back, or -1. */
  KEPT_MODE = 7,
  /** Why; 0 where its content was not restored first. */
  KEPT_ERRNO = 8,
  /** Entries that were removed or copied before. */
  DONE = 9,
  /** Whether it concerns the second of two paths. */
  IS_SECOND = 10,
}

/** The fields of `fs.Stats`. */
export const enum StatIndex {
  DEV = 1,
  MODE = 2,
  NLINK = 3,
  UID = 4,
  GID = 5,
  RDEV = 6,
  BLKSIZE = 7,
  INO = 8,
  SIZE = 9,
  BLOCKS = 10,
  ATIME = 11,
  MTIME = 12,
  CTIME = 13,
  BIRTHTIME = 14,
  /** The nanoseconds of the four times. */
  NANOSECONDS = 20,
}

/** Device and inode by which a root or a temporary is known. */
export const enum IdentityIndex {
  DEV = 2,
  INO = 3,
  /** The lower 32 bits of the inode, which a number may lose. */
  INO_LOW = 4,
}

/** A read or an open, after the fields of `fs.Stats`. */
export const enum ReadIndex {
  /** The number of bytes read. */
  LENGTH = 15,
  /** The descriptor that an open hands over. */
  DESCRIPTOR = 16,
  /** The flag that says: the content was read, and is for `readTake`. */
  IS_HELD = 17,
  /** Of an open: the lower 32 bits of the inode, which a number may lose. */
  INO_LOW = 17,
  /** The flag that says: the directory was opened first, which a batch of reads does once. */
  BY_PARENT = 18,
}

/** A root, beside its identity. */
export const enum RootIndex {
  /** A number that no other root of the process has. */
  NUMBER = 1,
  /** Time of birth in seconds; 0 where the file system has none. */
  BORN = 5,
  /** The nanoseconds of that time. */
  BORN_NANOSECONDS = 6,
}

/** A directory that `ensureDir` made sure of. */
export const enum EnsureDirIndex {
  MODE = 1,
  IS_PRIVATE = 2,
  HARDENING = 3,
  /** 0 for none, otherwise one more than the position in the list of reasons. */
  REASON = 4,
  /** Length of the path of the first directory created, which follows the real path in the text. */
  FIRST_CREATED = 5,
}

/** A written file. */
export const enum WriteIndex {
  CREATED = 1,
  SIZE = 2,
  MODE = 3,
  DEV = 4,
  INO = 5,
  METHOD = 6,
  DURABLE = 7,
  /** -1 for nothing to preserve, otherwise a bit each for mode, ACL and owner. */
  PRESERVED = 8,
}

/** A copied file or tree; its real path is in the text. */
export const enum CopyIndex {
  /** Entries, directories included. */
  ENTRIES = 1,
  /** Bytes of all files together. */
  SIZE = 2,
  DURABLE = 3,
}

/** What was removed. */
export const enum RemoveIndex {
  /** Entries, directories included. */
  COUNT = 1,
}

/** A changed name; its real path is in the text. */
export const enum RenameIndex {
  /** Whether both are names of one file, and were left. */
  IS_SAME = 1,
  DURABLE = 2,
}

/** The temporary of a staged file that others write, before its identity. */
export const enum StageIndex {
  /** The descriptor that JavaScript opens it again by. */
  DESCRIPTOR = 1,
}

/** A lock file, beside its identity. The text has its path and, after a NUL, a text about the holder. */
export const enum LockIndex {
  /** Whether the lock was free and is taken. */
  IS_HELD = 1,
  /** Whether the lock file lies on a file system of this host. */
  IS_OF_HOST = 5,
}

/** Appended records; where the lock is held by another, the text is about the holder. */
export const enum AppendIndex {
  /** Whether the lock was free and the records are in the file. */
  IS_DONE = 1,
  OFFSET = 2,
  SIZE = 3,
  CREATED = 4,
  ISOLATED = 5,
  ROTATED = 6,
  DURABLE = 7,
  /** Of a failure: whether a part of the records is in the file. */
  IS_TORN = 8,
}

/** The file that a write is about to replace. */
export const enum TargetKeyIndex {
  KIND = 1,
  DEV = 2,
  INO = 3,
  /** Whether the next two are given. */
  HAS_FILE = 4,
  FILE_DEV = 5,
  FILE_INO = 6,
}

/** Values in a record of that kind. */
export const enum TargetKeyValue {
  /** A name in a directory that is not known. */
  NAME_ONLY = 0,
  /** Directory and name are known. */
  KNOWN = 1,
  /** Known, and the name of the file is in the text: a final link was followed. */
  KNOWN_BY_NAME = 2,
  /** Nothing is known. */
  UNKNOWN = 3,
}

/** Entries of directories. The data have, one after the other: rows of numbers for the stats, rows of three numbers of 32 bits for names that are not UTF-8, one byte a kind, the names, a record of a failure, its path. */
export const enum EntriesIndex {
  /** Number of entries. */
  COUNT = 1,
  /** Number of rows of a stat. */
  STATS = 2,
  /** Number of rows for names that are not UTF-8: number of the entry, offset in the names, length. */
  RAW = 3,
  /** Bytes of the kinds: more than entries in a walk, which enters and leaves directories. */
  KINDS = 4,
  /** Bytes of the names, each ended by a NUL. */
  NAMES = 5,
  /** Whether all names are ASCII. */
  IS_ASCII = 6,
  /** Whether no entries follow. */
  IS_END = 7,
  /** Bytes of the record of a failure; 0 for none. */
  FAILURE = 8,
  /** Bytes of its path below the first directory. */
  FAILURE_PATH = 9,
}

/** Facts for the doctor, after the fields of `fs.Stats`. */
export const enum FactsIndex {
  /** Bits: own, own or root's, an ACL that names somebody, immutable, append-only, a mount point, read-only, an ACL that cannot be read. */
  TRAITS = 15,
  /** What the effective user may do, as in the last digit of a mode. */
  ACCESS = 16,
  /** Number of the mount, or -1. */
  MOUNT = 17,
  /** Length of the ACL, which follows the real path in the text, or -1. */
  ACL = 18,
  /** The first of seven numbers of `fstatfs(2)`. */
  VOLUME = 19,
}

/** The dry run of a write. */
export const enum PredictedWriteIndex {
  CREATED = 1,
  MODE = 2,
  DURABLE = 3,
  /** -1 for nothing to preserve, otherwise a bit each for mode, ACL and owner. */
  PRESERVED = 4,
}
