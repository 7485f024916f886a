//! Syncs a directory after a name was added to it.

use super::fsync_errors;
use crate::error::{Error, Os};
use crate::sys::{self, AsFd, BorrowedFd, OFlag};

/// The error for a sync that succeeded after another one on the same file system failed.
pub(super) const DOUBTFUL_SYNC: Os = Os {
    errno: sys::EIO,
    syscall: "fsync",
};

/// Syncs the parent of a new directory. Returns false where that is not supported.
pub(super) fn sync_directory(dir: BorrowedFd<'_>) -> Result<bool, Error> {
    let Ok(readable) = sys::open_at(dir, b".", directory_flags(true)) else {
        return Ok(false);
    };
    match fsync_errors::sync_directory(readable.as_fd()) {
        Ok(()) => Ok(true),
        Err(os) if cannot_be_synced(os.errno) => Ok(false),
        Err(os) => Err(os.into()),
    }
}

/// Returns whether an errno means that the directory cannot be synced. File systems without
/// directory sync return EINVAL or ENOTSUP; an `O_PATH` descriptor returns EBADF.
pub(super) fn cannot_be_synced(errno: i32) -> bool {
    matches!(errno, sys::EINVAL | sys::ENOTSUP | sys::EBADF)
}

pub(super) fn directory_flags(is_readable: bool) -> OFlag {
    if is_readable {
        OFlag::O_RDONLY | OFlag::O_DIRECTORY
    } else {
        sys::SEARCH_ONLY
    }
}
