//! Syncing a directory that a name was added to.

use super::fsync_errors;
use crate::error::{Error, Os};
use crate::sys::{self, AsFd, BorrowedFd, OFlag};

/// What a sync that succeeded should have answered, when another one on the same file system failed.
pub(super) const DOUBTFUL_SYNC: Os = Os {
    errno: sys::EIO,
    syscall: "fsync",
};

/// Syncs a directory that a new one was made in; false where that cannot be done.
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

/// File systems without directory sync answer EINVAL or ENOTSUP; `O_PATH` answers EBADF.
pub(super) fn cannot_be_synced(errno: i32) -> bool {
    matches!(errno, sys::EINVAL | sys::ENOTSUP | sys::EBADF)
}

pub(super) fn directory_flags(is_readable: bool) -> OFlag {
    if is_readable {
        OFlag::O_RDONLY | OFlag::O_DIRECTORY
    } else {
        sys::HOLD
    }
}
