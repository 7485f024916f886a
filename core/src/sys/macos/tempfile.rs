//! Not supported: unnamed files. Every file has a name from the start.

use super::errno::ENOTSUP;
use crate::error::Os;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Not supported here.
pub(crate) fn create_unnamed(_: BorrowedFd<'_>, _: u32) -> Result<OwnedFd, Os> {
    Err(Os {
        errno: ENOTSUP,
        syscall: "open",
    })
}

/// Not supported here.
pub(crate) fn link_fd(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: &[u8]) -> Result<(), Os> {
    Err(Os {
        errno: ENOTSUP,
        syscall: "link",
    })
}

/// Returns whether an unnamed file can be linked here.
pub(crate) fn link_fd_works() -> bool {
    false
}
