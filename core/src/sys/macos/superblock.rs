//! Identifies an object's file system: each device number is that of one file system.

use crate::sys::types::FileSystem;
use crate::sys::unix::fstat;
use std::os::fd::BorrowedFd;

/// Returns the file system of a descriptor.
pub(crate) fn file_system_of(fd: BorrowedFd<'_>) -> FileSystem {
    let device = fstat(fd).ok().map(|stat| stat.dev);
    FileSystem {
        device,
        superblock: device,
        kind: None,
    }
}
