//! The layout of the record that crosses to JavaScript. Generated from the table in
//! `scripts/record-layout.mjs`: edit that, and run it.

/// Numbers at the start of a record.
pub(crate) const NUMBERS: usize = 32;
/// Bytes for text after the numbers: more than two paths.
pub(crate) const TEXT: usize = 8192;
/// Index of the status in every record; 0 is success.
pub(crate) const STATUS: usize = 0;
/// Index of the flag that says: the path as given is the real one, and no text repeats it.
pub(crate) const IS_AS_GIVEN: usize = 29;
/// Index of the containment in every record of a success.
pub(crate) const CONTAINMENT: usize = 30;
/// Index of the length of the text, in bytes.
pub(crate) const TEXT_LENGTH: usize = 31;

/// The record is an error.
pub(crate) const STATUS_FAILED: f64 = 1.0;
/// There is no result from memory.
pub(crate) const STATUS_NOT_CACHED: f64 = 2.0;
/// There is no result from memory, and the locality of the mount is not known yet.
pub(crate) const STATUS_UNKNOWN_MOUNT: f64 = 3.0;
/// The file is open and judged; its content is not in memory, or too much for this thread.
pub(crate) const STATUS_UNREAD: f64 = 4.0;

/// An error.
pub(crate) mod failure {
    pub(crate) const ERRNO: usize = 1;
    pub(crate) const MODE: usize = 2;
    pub(crate) const UID: usize = 3;
    pub(crate) const EUID: usize = 4;
    pub(crate) const SIZE: usize = 5;
    /// Why the temporary remains whose path is in the text.
    pub(crate) const LEFT_ERRNO: usize = 6;
    /// Mode of a target that did not get its former permissions back, or -1.
    pub(crate) const KEPT_MODE: usize = 7;
    /// Why; 0 where its content was not restored first.
    pub(crate) const KEPT_ERRNO: usize = 8;
    /// Entries that were removed or copied before.
    pub(crate) const DONE: usize = 9;
    /// Whether it concerns the second of two paths.
    pub(crate) const IS_SECOND: usize = 10;
}

/// The fields of `fs.Stats`.
pub(crate) mod stat {
    /// The first of the fourteen fields.
    pub(crate) const FIRST: usize = 1;
    /// The nanoseconds of the four times.
    pub(crate) const NANOSECONDS: usize = 20;
}

/// Device and inode by which a root or a temporary is known.
pub(crate) mod identity {
    pub(crate) const DEV: usize = 2;
    pub(crate) const INO: usize = 3;
    /// The lower 32 bits of the inode, which a number may lose.
    pub(crate) const INO_LOW: usize = 4;
}

/// A read or an open, after the fields of `fs.Stats`.
pub(crate) mod read {
    /// The number of bytes read.
    pub(crate) const LENGTH: usize = 15;
    /// The descriptor that an open hands over.
    pub(crate) const DESCRIPTOR: usize = 16;
    /// The flag that says: the content was read, and is for `readTake`.
    pub(crate) const IS_HELD: usize = 17;
    /// Of an open: the lower 32 bits of the inode, which a number may lose.
    pub(crate) const INO_LOW: usize = 17;
    /// The flag that says: the directory was opened first, which a batch of reads does once.
    pub(crate) const BY_PARENT: usize = 18;
}

/// A root, beside its identity.
pub(crate) mod root {
    /// A number that no other root of the process has.
    pub(crate) const NUMBER: usize = 1;
    /// Time of birth in seconds; 0 where the file system has none.
    pub(crate) const BORN: usize = 5;
    /// The nanoseconds of that time.
    pub(crate) const BORN_NANOSECONDS: usize = 6;
}

/// A directory that `ensureDir` made sure of.
pub(crate) mod ensure_dir {
    pub(crate) const MODE: usize = 1;
    pub(crate) const IS_PRIVATE: usize = 2;
    pub(crate) const HARDENING: usize = 3;
    /// 0 for none, otherwise one more than the position in the list of reasons.
    pub(crate) const REASON: usize = 4;
    /// Length of the path of the first directory created, which follows the real path in the text.
    pub(crate) const FIRST_CREATED: usize = 5;
}

/// A written file.
pub(crate) mod write {
    pub(crate) const CREATED: usize = 1;
    pub(crate) const SIZE: usize = 2;
    pub(crate) const MODE: usize = 3;
    pub(crate) const DEV: usize = 4;
    pub(crate) const INO: usize = 5;
    pub(crate) const METHOD: usize = 6;
    pub(crate) const DURABLE: usize = 7;
    /// -1 for nothing to preserve, otherwise a bit each for mode, ACL and owner.
    pub(crate) const PRESERVED: usize = 8;
}

/// A copied file or tree; its real path is in the text.
pub(crate) mod copy {
    /// Entries, directories included.
    pub(crate) const ENTRIES: usize = 1;
    /// Bytes of all files together.
    pub(crate) const SIZE: usize = 2;
    pub(crate) const DURABLE: usize = 3;
}

/// What was removed.
pub(crate) mod remove {
    /// Entries, directories included.
    pub(crate) const COUNT: usize = 1;
}

/// A changed name; its real path is in the text.
pub(crate) mod rename {
    /// Whether both are names of one file, and were left.
    pub(crate) const IS_SAME: usize = 1;
    pub(crate) const DURABLE: usize = 2;
}

/// The temporary of a staged file that others write, before its identity.
pub(crate) mod stage {
    /// The descriptor that JavaScript opens it again by.
    pub(crate) const DESCRIPTOR: usize = 1;
}

/// A lock file, beside its identity. The text has its path and, after a NUL, a text about the
/// holder.
pub(crate) mod lock {
    /// Whether the lock was free and is taken.
    pub(crate) const IS_HELD: usize = 1;
    /// Whether the lock file lies on a file system of this host.
    pub(crate) const IS_OF_HOST: usize = 5;
}

/// Appended records; where the lock is held by another, the text is about the holder.
pub(crate) mod append {
    /// Whether the lock was free and the records are in the file.
    pub(crate) const IS_DONE: usize = 1;
    pub(crate) const OFFSET: usize = 2;
    pub(crate) const SIZE: usize = 3;
    pub(crate) const CREATED: usize = 4;
    pub(crate) const ISOLATED: usize = 5;
    pub(crate) const ROTATED: usize = 6;
    pub(crate) const DURABLE: usize = 7;
    /// Of a failure: whether a part of the records is in the file.
    pub(crate) const IS_TORN: usize = 8;
}

/// The file that a write is about to replace.
pub(crate) mod target_key {
    pub(crate) const KIND: usize = 1;
    pub(crate) const DEV: usize = 2;
    pub(crate) const INO: usize = 3;
    /// Whether the next two are given.
    pub(crate) const HAS_FILE: usize = 4;
    pub(crate) const FILE_DEV: usize = 5;
    pub(crate) const FILE_INO: usize = 6;
    /// A name in a directory that is not known.
    pub(crate) const NAME_ONLY: f64 = 0.0;
    /// Directory and name are known.
    pub(crate) const KNOWN: f64 = 1.0;
    /// Known, and the name of the file is in the text: a final link was followed.
    pub(crate) const KNOWN_BY_NAME: f64 = 2.0;
    /// Nothing is known.
    pub(crate) const UNKNOWN: f64 = 3.0;
}

/// Entries of directories. The data have, one after the other: rows of numbers for the stats, rows
/// of three numbers of 32 bits for names that are not UTF-8, one byte a kind, the names, a record
/// of a failure, its path.
pub(crate) mod entries {
    /// Number of entries.
    pub(crate) const COUNT: usize = 1;
    /// Number of rows of a stat.
    pub(crate) const STATS: usize = 2;
    /// Number of rows for names that are not UTF-8: number of the entry, offset in the names,
    /// length.
    pub(crate) const RAW: usize = 3;
    /// Bytes of the kinds: more than entries in a walk, which enters and leaves directories.
    pub(crate) const KINDS: usize = 4;
    /// Bytes of the names, each ended by a NUL.
    pub(crate) const NAMES: usize = 5;
    /// Whether all names are ASCII.
    pub(crate) const IS_ASCII: usize = 6;
    /// Whether no entries follow.
    pub(crate) const IS_END: usize = 7;
    /// Bytes of the record of a failure; 0 for none.
    pub(crate) const FAILURE: usize = 8;
    /// Bytes of its path below the first directory.
    pub(crate) const FAILURE_PATH: usize = 9;
}

/// Facts for the doctor, after the fields of `fs.Stats`.
#[cfg(target_os = "linux")]
pub(crate) mod facts {
    /// Bits: own, own or root's, an ACL that names somebody, immutable, append-only, a mount point,
    /// read-only, an ACL that cannot be read.
    pub(crate) const TRAITS: usize = 15;
    /// What the effective user may do, as in the last digit of a mode.
    pub(crate) const ACCESS: usize = 16;
    /// Number of the mount, or -1.
    pub(crate) const MOUNT: usize = 17;
    /// Length of the ACL, which follows the real path in the text, or -1.
    pub(crate) const ACL: usize = 18;
    /// The first of seven numbers of `fstatfs(2)`.
    pub(crate) const VOLUME: usize = 19;
}

/// The dry run of a write.
#[cfg(target_os = "linux")]
pub(crate) mod predicted_write {
    pub(crate) const CREATED: usize = 1;
    pub(crate) const MODE: usize = 2;
    pub(crate) const DURABLE: usize = 3;
    /// -1 for nothing to preserve, otherwise a bit each for mode, ACL and owner.
    pub(crate) const PRESERVED: usize = 4;
}
