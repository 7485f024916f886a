//! Kinds of file systems, and the file system of an object.

use crate::error::Os;
use crate::sys::types::Locality;
use crate::sys::unix::named;
use std::os::fd::BorrowedFd;

/// Returns `Remote`: locality matters only to `nonblocking`, which exists on Linux.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call, which can fail"
)]
pub(crate) fn locality(_: BorrowedFd<'_>) -> Result<Locality, Os> {
    Ok(Locality::Remote)
}

/// Returns whether the descriptor lies on a file system that shows kernel state instead of files.
pub(crate) fn is_pseudo_file_system(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    let kind = named("statfs", nix::sys::statfs::fstatfs(fd))?;
    Ok(matches!(kind.filesystem_type_name(), "devfs" | "fdesc"))
}

/// Returns whether a directory may treat names as equal that differ in case or accents.
#[cfg(not(target_os = "linux"))]
pub(crate) fn folds_names(_: BorrowedFd<'_>) -> bool {
    true
}
