//! Syncs a directory after a name was added to it.

use super::fsync_errors::{self, Mark};
use crate::error::{Code, Error, Os};
use crate::resolve::Parent;
use crate::sys::{self, AsFd, BorrowedFd, OFlag};

/// The error for a sync that succeeded after another one on the same file system failed.
pub(in crate::ops) const DOUBTFUL_SYNC: Os = Os {
    errno: sys::EIO,
    syscall: "fsync",
};

/// Syncs the parent of a new directory. Returns false where that is not supported.
pub(in crate::ops) fn sync_directory(dir: BorrowedFd<'_>) -> Result<bool, Error> {
    let Ok(readable) = sys::open_at(dir, b".", directory_flags(true)) else {
        return Ok(false);
    };
    match fsync_errors::sync_directory(readable.as_fd()) {
        Ok(()) => Ok(true),
        Err(os) if cannot_be_synced(os.errno) => Ok(false),
        Err(os) => Err(os.into()),
    }
}

/// Syncs a directory whose new entries have their names. Returns false where that is not supported.
///
/// # Errors
///
/// [`Code::NotDurable`].
pub(in crate::ops) fn sync_published(dir: BorrowedFd<'_>) -> Result<bool, Error> {
    sync_directory(dir).map_err(|error| match error {
        Error::System { os, .. } => Error::refused_by(Code::NotDurable, "", os),
        other => other,
    })
}

/// Syncs the directory of a name that a call has changed. `began` is a point in time before the
/// change. Returns false where the directory cannot be synced.
///
/// # Errors
///
/// [`Code::NotDurable`].
pub(in crate::ops) fn sync_parent(parent: &Parent, began: Mark) -> Result<bool, Error> {
    let result = match fsync_errors::sync_directory(parent.as_fd()) {
        Err(os) if cannot_be_synced(os.errno) => return Ok(false),
        Ok(()) if fsync_errors::has_failed_since(began, parent.as_fd()) => Err(DOUBTFUL_SYNC),
        result => result,
    };
    result.map(|()| true).map_err(|os| {
        if let Some(root) = parent.root() {
            root.renew();
        }
        Error::refused_by(Code::NotDurable, "", os)
    })
}

/// Returns whether an errno means that the directory cannot be synced. File systems without
/// directory sync return EINVAL or ENOTSUP; an `O_PATH` descriptor returns EBADF.
pub(in crate::ops) fn cannot_be_synced(errno: i32) -> bool {
    matches!(errno, sys::EINVAL | sys::ENOTSUP | sys::EBADF)
}

pub(in crate::ops) fn directory_flags(is_readable: bool) -> OFlag {
    if is_readable {
        OFlag::O_RDONLY | OFlag::O_DIRECTORY
    } else {
        sys::SEARCH_ONLY
    }
}
