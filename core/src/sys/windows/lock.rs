//! Locks on a whole file. Not supported: locks on a byte of a directory.

use super::errno::{ENOTSUP, succeeded};
use super::fd::{BorrowedFd, raw};
use super::io::at;
use crate::error::Os;
use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};

/// The locked byte, far beyond the end of any file: a locked byte cannot be read through other
/// handles.
const BYTE: u64 = i64::MAX as u64 - 1;

/// Locks a file against other callers of this function: false where another handle holds the lock.
pub(crate) fn try_lock(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    lock_file(fd, false)
}

/// Locks a file against other handles, shared or exclusively, without waiting. Returns false while
/// another one holds a lock that excludes it.
pub(crate) fn lock_file(fd: BorrowedFd<'_>, is_shared: bool) -> Result<bool, Os> {
    let kind = if is_shared {
        0
    } else {
        LOCKFILE_EXCLUSIVE_LOCK
    };
    let mut range = at(BYTE);
    // SAFETY: the handle is borrowed and open for synchronous use, and the structure outlives the
    // call.
    let result = unsafe {
        LockFileEx(
            raw(fd),
            kind | LOCKFILE_FAIL_IMMEDIATELY,
            0,
            1,
            0,
            &raw mut range,
        )
    };
    // SAFETY: the call takes no arguments and returns a number.
    if result == 0 && unsafe { GetLastError() } == ERROR_LOCK_VIOLATION {
        return Ok(false);
    }
    succeeded("flock", result).map(|()| true)
}

/// Releases a lock of [`lock_file`].
pub(crate) fn unlock_file(fd: BorrowedFd<'_>) -> Result<(), Os> {
    let mut range = at(BYTE);
    // SAFETY: as for the lock.
    let result = unsafe { UnlockFileEx(raw(fd), 0, 1, 0, &raw mut range) };
    succeeded("flock", result)
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
pub(crate) fn lock_byte_for_writing(_: BorrowedFd<'_>, _: i64) -> Result<(), Os> {
    Err(UNSUPPORTED)
}

/// Not supported here.
pub(crate) fn is_byte_locked_for_writing(_: BorrowedFd<'_>, _: i64) -> Result<bool, Os> {
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
