//! Which file a write will replace, as far as the kernel's memory tells: what two calls have in
//! common that write one file by two names.
//!
//! The event loop's thread asks it before a write is queued while another path with the same last
//! name is being written. Nothing in it waits for a file system: `openat2(RESOLVE_CACHED)` (5.12) resolves in the kernel's memory alone, and
//! `statx(AT_STATX_DONT_SYNC)` of an `O_PATH` descriptor asks no file system. The answer orders
//! calls and decides nothing else: the write resolves its path on its own.

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

/// What is asked about the last name of a path.
#[derive(Debug, Clone, Copy)]
pub struct LastName {
    /// A link is followed.
    pub follows: bool,
    /// The file itself may be written over.
    pub wants_file: bool,
}
