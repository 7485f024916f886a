//! Permission bits.

use crate::error::Os;
use crate::sys::unix::change_mode;
use std::os::fd::BorrowedFd;

/// ACLs are separate from the mode: `chmod` does not change them.
pub(crate) const MODE_MASKS_ACL: bool = false;

/// Returns false: there is no such call, nor any other Linux call that `capabilities()` names.
pub(crate) fn fchmodat2_works() -> bool {
    false
}

/// `fchmod(2)`, which also accepts a directory opened with `O_SEARCH`.
pub(crate) fn change_mode_of_path_fd(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    change_mode(fd, mode).map_err(|os| Os {
        syscall: "chmod",
        ..os
    })
}
