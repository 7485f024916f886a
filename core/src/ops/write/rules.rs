//! Options and results of a write.

use crate::temporary::Method;

/// What is synced before the write returns success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Nothing: the system writes back in its own time.
    No,
    /// The file.
    File,
    /// The file and its directory.
    Full,
}

/// How a write treats a symlink under the target's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalSymlink {
    /// Refuses it.
    Reject,
    /// Replaces the symlink by the file; its target is not touched.
    Replace,
    /// Replaces the symlink's target, as far as the scope's policy allows.
    Follow,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Exact permission bits, for a new and for a replaced file.
    pub mode: Option<u32>,
    /// Permission bits of a new file when `mode` is not given.
    pub new_file_mode: u32,
    /// Whether an existing file may be replaced.
    pub overwrite: bool,
    /// How a symlink under the name is treated.
    pub final_symlink: FinalSymlink,
    /// What is synced.
    pub durable: Durable,
    /// The mode of missing parents; `None` when they are not created.
    pub make_parents: Option<u32>,
    /// Refuses a target that has other hard links, which would keep the old content.
    pub reject_hardlinks: bool,
    /// Overwrites the content of a target that cannot be renamed over.
    pub in_place: bool,
}

/// Which metadata of the replaced file was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preserved {
    /// Its permission bits.
    pub mode: bool,
    /// Its ACL; not read, and so not kept, where a mode is given.
    pub acl: bool,
    /// Its owner and group.
    pub owner: bool,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its real path; `None` when it equals the path as given.
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
    /// How the file got its name.
    pub method: Method,
    /// What was synced: at most what was requested.
    pub durable: Durable,
    /// What was kept of the replaced file; `None` when there was none.
    pub preserved: Option<Preserved>,
}

/// Returns whether the caller has aborted. Called once, before publication.
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
        /// The name; `None` when it is the last component of the path.
        name: Option<Vec<u8>>,
        /// Device and inode of the file, for a write that may go in place: other mounts have the
        /// file under other names. `None` when the file is missing, or for another write.
        file: Option<(u64, u64)>,
    },
    /// The last component of the path, in a directory that is missing or not cached.
    NameOnly,
    /// Not cached: a final symlink may lead to another name, or a file written in place may have
    /// another mount.
    Unknown,
}
