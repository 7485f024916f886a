//! What Windows has no such thing as: each answers what is true then.

use super::{BorrowedFd, ENOTSUP};
use crate::error::Os;
use crate::sys::stat::{Distance, Ids};

fn unsupported(syscall: &'static str) -> Os {
    Os {
        errno: ENOTSUP,
        syscall,
    }
}

/// A directory's own entries are the file system's business; nothing syncs them on demand.
pub(crate) fn sync_directory(_: BorrowedFd<'_>) -> Result<(), Os> {
    Err(unsupported("fsync"))
}

/// There is no `fs.protected_symlinks`.
pub(crate) fn protects_symlinks() -> bool {
    false
}

/// Directories have no mode.
pub(crate) fn change_mode_of_held(_: BorrowedFd<'_>, _: u32) -> Result<(), Os> {
    Err(unsupported("chmod"))
}

/// Owners have no numbers.
pub(crate) fn change_owner(_: BorrowedFd<'_>, _: Option<u32>, _: Option<u32>) -> Result<(), Os> {
    Err(unsupported("fchown"))
}

/// As `os.userInfo()` and `fs.Stats` have it: everybody is user 0.
pub(crate) fn effective_user() -> u32 {
    0
}

pub(crate) fn effective_group() -> u32 {
    0
}

pub(crate) fn effective_groups() -> Vec<u32> {
    Vec::new()
}

pub(crate) fn has_full_map(_: Ids) -> bool {
    true
}

/// No file system shows the kernel's state as files.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn is_pseudo_file_system(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// How far away a file system is matters only to answers from memory, which there are none of.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn distance(_: BorrowedFd<'_>) -> Result<Distance, Os> {
    Ok(Distance::Unknown)
}

/// A handle is no number that another open could name it by.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to look for a way first"
)]
pub(crate) fn number_to_reopen(_: BorrowedFd<'_>) -> Result<i32, Os> {
    Ok(-1)
}

pub(crate) fn advise_huge_pages(_: &mut [u8]) {}

pub(crate) fn start_sync(_: BorrowedFd<'_>) {}

pub(crate) fn fchmodat2_works() -> bool {
    false
}

pub(crate) fn statx_works() -> bool {
    false
}

/// A rename says itself whether it may replace.
pub(crate) fn rename_new_works() -> bool {
    true
}

/// A handle always tells its path.
pub(crate) fn resolved_path(_: BorrowedFd<'_>, _: &[u8]) -> Option<Vec<u8>> {
    None
}
