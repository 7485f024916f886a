//! Syncing the directory of a write.

use super::{Place, directory_flags};
use crate::error::{Code, Error, Os};
use crate::sys::{self, AsFd, BorrowedFd};
use crate::write::{Durable, fsync_errors};

impl Place {
    /// Syncs the directory after publication.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`].
    pub(in crate::write) fn sync(&self) -> Result<Durable, Error> {
        if !self.can_sync {
            return Ok(Durable::No);
        }
        match fsync_errors::sync_directory(self.dir.as_fd()) {
            Ok(()) => Ok(Durable::Full),
            Err(os) if cannot_be_synced(os.errno) => Ok(Durable::No),
            Err(os) => {
                if let Some(root) = &self.pinned {
                    root.renew();
                }
                Err(Error::refused_by(Code::NotDurable, "", os))
            }
        }
    }

    /// The answer after a sync that succeeded, when another one on the same file system has not.
    ///
    /// [`Code::NotDurable`], as if it had been told too.
    pub(in crate::write) fn in_doubt(&self) -> Error {
        if let Some(root) = &self.pinned {
            root.renew();
        }
        Error::refused_by(Code::NotDurable, "", DOUBTFUL_SYNC)
    }
}

/// What a sync that succeeded should have answered, when another one on the same file system failed.
pub(super) const DOUBTFUL_SYNC: Os = Os {
    errno: sys::EIO,
    syscall: "fsync",
};

/// File systems without directory sync answer EINVAL or ENOTSUP; `O_PATH` answers EBADF.
fn cannot_be_synced(errno: i32) -> bool {
    matches!(errno, sys::EINVAL | sys::ENOTSUP | sys::EBADF)
}

/// Syncs a directory that a new one was made in; false where that cannot be done.
pub(in crate::write) fn sync_directory(dir: BorrowedFd<'_>) -> Result<bool, Error> {
    let Ok(readable) = sys::open_at(dir, b".", directory_flags(true)) else {
        return Ok(false);
    };
    match fsync_errors::sync_directory(readable.as_fd()) {
        Ok(()) => Ok(true),
        Err(os) if cannot_be_synced(os.errno) => Ok(false),
        Err(os) => Err(os.into()),
    }
}
