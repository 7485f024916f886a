//! Which file system an object lies on: every device number is that of one.

use super::fd::BorrowedFd;
use super::stat::fstat;
use crate::sys::types::FileSystem;

/// The file system of a descriptor.
pub(crate) fn file_system_of(fd: BorrowedFd<'_>) -> FileSystem {
    let device = fstat(fd).ok().map(|stat| stat.dev);
    FileSystem {
        device,
        superblock: device,
        kind: None,
    }
}
