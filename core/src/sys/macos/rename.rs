//! Renames that replace nothing, or exchange two names.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use crate::error::Os;
use crate::sys::unix::{c_string, named};
use nix::errno::Errno;
use nix::libc;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `renameatx_np(RENAME_EXCL)`.
pub(crate) fn rename_new(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    rename_with(dir, from, to_dir, to, libc::RENAME_EXCL)
}

/// `renameatx_np(RENAME_SWAP)` of two names in one directory.
pub(crate) fn exchange(dir: BorrowedFd<'_>, one: &[u8], other: &[u8]) -> Result<(), Os> {
    rename_with(dir, one, dir, other, libc::RENAME_SWAP)
}

fn rename_with(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
    flags: libc::c_uint,
) -> Result<(), Os> {
    let from = c_string("rename", from)?;
    let to = c_string("rename", to)?;
    // SAFETY: both descriptors are borrowed and open, and both names are C strings that live until
    // the call returns.
    let result = unsafe {
        libc::renameatx_np(
            dir.as_raw_fd(),
            from.as_ptr(),
            to_dir.as_raw_fd(),
            to.as_ptr(),
            flags,
        )
    };
    named("rename", Errno::result(result).map(drop))
}

/// Returns true: `renameatx_np` dates from macOS 10.12. A file system may still refuse it.
pub(crate) fn rename_new_works() -> bool {
    true
}
