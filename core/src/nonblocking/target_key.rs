//! Identifies the file that a write will replace, as far as the kernel's caches allow. Two paths to
//! one file get the same key.
//!
//! The event loop's thread calls it before it queues a write while another path with the same last
//! component is being written. It never blocks on a file system: `openat2(RESOLVE_CACHED)` (5.12)
//! resolves in the kernel's caches alone, and `statx(AT_STATX_DONT_SYNC)` of an `O_PATH` descriptor
//! calls no file system. The key only orders calls: the write resolves its path on its own.

use crate::resolve::Root;
use std::sync::Arc;

/// What a path is relative to.
#[derive(Debug, Clone, Copy)]
pub enum Base<'a> {
    /// The working directory.
    None,
    /// A directory that is held open.
    Pinned(&'a Arc<Root>),
    /// A directory that the call opens by this path.
    Path(&'a [u8]),
}

/// How the last component of a path is treated.
#[derive(Debug, Clone, Copy)]
pub struct LastName {
    /// A symlink is followed.
    pub follows: bool,
    /// The file itself may be overwritten.
    pub wants_file: bool,
}
