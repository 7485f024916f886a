//! Where a descriptor leads, and how names are spelled.

use super::procfs;
use crate::error::Os;
use std::os::fd::BorrowedFd;

/// A name has one spelling, but on the rare file system that folds cases.
pub(crate) const NAMES_ARE_EXACT: bool = true;

/// Returns where a descriptor leads now, as the kernel spells it in procfs.
///
/// # Errors
///
/// ENOSYS where there is no procfs.
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let (descriptors, name) = procfs::way_to(fd)?;
    crate::sys::unix::read_link_at(descriptors, name.as_bytes())
}
