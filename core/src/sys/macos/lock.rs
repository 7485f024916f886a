//! Locks on a whole file (`flock(2)`). Not supported: byte locks that an open file description owns.

use super::errno::ENOTSUP;
use crate::error::Os;
use crate::sys::unix::{flock, uninterrupted};
use nix::libc;
use std::os::fd::BorrowedFd;

/// Locks a file against other open file descriptions, shared or exclusively, without waiting. Returns
/// false while another one holds a lock that excludes it.
pub(crate) fn lock_file(fd: BorrowedFd<'_>, is_shared: bool) -> Result<bool, Os> {
    let kind = if is_shared {
        libc::LOCK_SH
    } else {
        libc::LOCK_EX
    };
    match uninterrupted(|| flock(fd, kind | libc::LOCK_NB)) {
        Ok(()) => Ok(true),
        Err(os) if os.errno == libc::EWOULDBLOCK => Ok(false),
        Err(os) => Err(os),
    }
}

/// Releases a lock of [`lock_file`], also for copies of the descriptor that a child inherited.
pub(crate) fn unlock_file(fd: BorrowedFd<'_>) -> Result<(), Os> {
    uninterrupted(|| flock(fd, libc::LOCK_UN))
}

const UNSUPPORTED: Os = Os {
    errno: ENOTSUP,
    syscall: "fcntl",
};

/// Not supported here.
pub(crate) fn lock_byte(_: BorrowedFd<'_>, _: i64) -> Result<(), Os> {
    Err(UNSUPPORTED)
}

/// Not supported here.
pub(crate) fn unlock_byte(_: BorrowedFd<'_>, _: i64) -> Result<(), Os> {
    Err(UNSUPPORTED)
}

/// Not supported here.
pub(crate) fn is_byte_locked(_: BorrowedFd<'_>, _: i64) -> Result<bool, Os> {
    Err(UNSUPPORTED)
}

/// Not supported here.
pub(crate) fn lock_byte_for_writing(_: BorrowedFd<'_>, _: i64) -> Result<(), Os> {
    Err(UNSUPPORTED)
}

/// Not supported here.
pub(crate) fn is_byte_locked_for_writing(_: BorrowedFd<'_>, _: i64) -> Result<bool, Os> {
    Err(UNSUPPORTED)
}
