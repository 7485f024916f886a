//! The path of a descriptor, and the spelling of names.

use super::procfs;
use crate::error::Os;
use std::os::fd::BorrowedFd;

/// A name has one spelling, except on a file system that folds case.
pub(crate) const NAMES_ARE_EXACT: bool = true;

/// Returns the current path of a descriptor, as procfs shows it.
///
/// # Errors
///
/// ENOSYS where there is no procfs.
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let (descriptors, name) = procfs::way_to(fd)?;
    crate::sys::unix::read_link_at(descriptors, name.as_bytes())
}
