//! Locks on the names of temporaries. [`crate::ops::clean`] tests them to find out whether the
//! maker is alive.
//!
//! The lock covers one byte of the directory, whose offset derives from the name. It exists before
//! the file does, and stays when another file is renamed onto the name. A killed process loses it.

use super::name::number_of;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd};
use std::sync::Arc;

/// A held lock. Dropping it releases it.
#[derive(Debug)]
pub(super) struct NameLock {
    dir: Arc<OwnedFd>,
    offset: i64,
}

impl NameLock {
    /// Locks a name. Returns `None` where the system has no such locks, or the directory is not
    /// readable.
    pub(super) fn take(dir: &Arc<OwnedFd>, name: &[u8]) -> Option<Self> {
        let offset = number_of(name)?;
        let dir = match sys::lock_byte(dir.as_fd(), offset) {
            Ok(()) => Arc::clone(dir),
            // The directory is held by `O_PATH`.
            Err(os) if os.errno == sys::EBADF => {
                let readable = Arc::new(readable(dir.as_fd())?);
                sys::lock_byte(readable.as_fd(), offset).ok()?;
                readable
            }
            Err(_) => return None,
        };
        Some(Self { dir, offset })
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        // Fails only where the descriptor is no longer open, which ends the lock too.
        let _ = sys::unlock_byte(self.dir.as_fd(), self.offset);
    }
}

/// Returns whether a process holds the lock on a name. `dir` must be open for reading.
pub(crate) fn is_name_locked(dir: BorrowedFd<'_>, name: &[u8]) -> bool {
    number_of(name).is_some_and(|offset| sys::is_byte_locked(dir, offset).unwrap_or(false))
}

/// Opens another descriptor of a directory, for reading.
pub(crate) fn readable(dir: BorrowedFd<'_>) -> Option<OwnedFd> {
    sys::open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY).ok()
}
