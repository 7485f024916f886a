//! Permission bits.

use crate::error::Os;
use crate::sys::unix::change_mode;
use std::os::fd::BorrowedFd;

/// ACLs stand beside the mode: `chmod` does not touch them.
pub(crate) const MODE_MASKS_ACL: bool = false;

/// There is no such call, nor any other of Linux that `capabilities()` names.
pub(crate) fn fchmodat2_works() -> bool {
    false
}

/// `fchmod(2)`, which also takes a directory that is held for searching.
pub(crate) fn change_mode_of_held(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    change_mode(fd, mode).map_err(|os| Os {
        syscall: "chmod",
        ..os
    })
}
