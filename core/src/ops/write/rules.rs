//! What a write is asked for and what it returns.

use crate::temporary::Method;

/// What is synced before success is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Nothing: the system writes back when it likes.
    No,
    /// The file.
    File,
    /// The file, and the directory that has its name.
    Full,
}

/// What a symlink under the target's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalSymlink {
    /// It is refused.
    Reject,
    /// The file takes its name; what it led to is not touched.
    Replace,
    /// The file it leads to is replaced, as far as the scope's policy goes.
    Follow,
}

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Exact permission bits, for a new file and an old one.
    pub mode: Option<u32>,
    /// Permission bits of a new file, where `mode` is not given.
    pub new_file_mode: u32,
    /// Whether anything may be replaced.
    pub overwrite: bool,
    /// What a symlink under the name means.
    pub final_symlink: FinalSymlink,
    /// What is synced.
    pub durable: Durable,
    /// The mode of missing parents, if they are to be made.
    pub make_parents: Option<u32>,
    /// Refuse a target that has other names, which would keep the old content.
    pub reject_hardlinks: bool,
    /// Write over the content of a target that cannot be renamed over.
    pub in_place: bool,
}

/// What could be carried over from the file that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preserved {
    /// Its permission bits.
    pub mode: bool,
    /// Its ACL; not asked for, and so not kept, where a mode is given.
    pub acl: bool,
    /// Its owner and group.
    pub owner: bool,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its real path; `None` when the path as given is the real one.
    pub real: Option<Vec<u8>>,
    /// No file had the name before.
    pub created: bool,
    /// Bytes written.
    pub size: u64,
    /// Permission bits, read back.
    pub mode: u32,
    /// Device of the file.
    pub dev: u64,
    /// Inode of the file.
    pub ino: u64,
    /// How it got its name.
    pub method: Method,
    /// What was synced: at most what was asked for.
    pub durable: Durable,
    /// What was kept of the file before; `None` when there was none.
    pub preserved: Option<Preserved>,
}

/// Asked once before publication: has the caller changed its mind?
pub type IsAborted<'a> = &'a dyn Fn() -> bool;

/// The file that a path names, for ordering writes to it.
#[derive(Debug, PartialEq, Eq)]
pub enum TargetKey {
    /// A name in a directory.
    Known {
        /// Device of the directory.
        dev: u64,
        /// Inode of the directory.
        ino: u64,
        /// The name; `None` when it is the last one of the path.
        name: Option<Vec<u8>>,
        /// Device and inode of the file, for a write that may go over its content: other mounts
        /// have it under other names. `None` when it is missing, or for another write.
        file: Option<(u64, u64)>,
    },
    /// The last name of the path, in a directory that is missing or not in memory.
    NameOnly,
    /// Perhaps another name, as a final link is to be followed; or perhaps another mount of a file
    /// that is written in place. Not in memory.
    Unknown,
}
