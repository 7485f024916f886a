//! Not supported: byte locks that an open file description owns.

use super::errno::ENOTSUP;
use crate::error::Os;
use std::os::fd::BorrowedFd;

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
