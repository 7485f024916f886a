//! Renames that replace nothing, or exchange two names.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::errno::knows_call;
use crate::error::Os;
use crate::sys::unix::{c_string, named};
use nix::errno::Errno;
use nix::libc;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// `renameat2(RENAME_NOREPLACE)`, kernel 3.15 and newer.
pub(crate) fn rename_new(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    rename_with(dir, from, to_dir, to, libc::RENAME_NOREPLACE)
}

/// `renameat2(RENAME_EXCHANGE)` of two names in one directory, kernel 3.15 and newer.
pub(crate) fn exchange(dir: BorrowedFd<'_>, one: &[u8], other: &[u8]) -> Result<(), Os> {
    rename_with(dir, one, dir, other, libc::RENAME_EXCHANGE)
}

fn rename_with(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
    flags: u32,
) -> Result<(), Os> {
    let from = c_string("rename", from)?;
    let to = c_string("rename", to)?;
    // SAFETY: both descriptors are borrowed and open, and both names are C strings that live until
    // the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            dir.as_raw_fd(),
            from.as_ptr(),
            to_dir.as_raw_fd(),
            to.as_ptr(),
            flags,
        )
    };
    named("rename", Errno::result(result).map(drop))
}

/// Returns whether `renameat2` exists. Probed once, with invalid descriptors.
pub(crate) fn rename_new_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            // SAFETY: the descriptors are invalid on purpose and the names are static C strings;
            // the call reads the strings and changes nothing.
            unsafe {
                libc::syscall(
                    libc::SYS_renameat2,
                    -1,
                    c"a".as_ptr(),
                    -1,
                    c"b".as_ptr(),
                    libc::RENAME_NOREPLACE,
                )
            }
        })
    })
}
