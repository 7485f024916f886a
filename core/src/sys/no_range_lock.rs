//! Locks on a byte of a directory, where they do not exist.

use super::{BorrowedFd, ENOTSUP};
use crate::error::Os;

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
