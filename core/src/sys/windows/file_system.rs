//! Kinds of file systems, and which file system an object lies on.

use super::fd::BorrowedFd;
use crate::error::Os;
use crate::sys::types::Locality;

/// Locality matters only to `nonblocking`, which exists on Linux.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn locality(_: BorrowedFd<'_>) -> Result<Locality, Os> {
    Ok(Locality::Remote)
}

/// No file system shows the kernel's state as files.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn is_pseudo_file_system(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// Whether a directory may take names for one that differ in case or accents.
#[cfg(not(target_os = "linux"))]
pub(crate) fn folds_names(_: BorrowedFd<'_>) -> bool {
    true
}
