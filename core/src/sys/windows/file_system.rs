//! Kinds of file systems, and the file system of an object.

use super::fd::BorrowedFd;
use super::stat::has_remote_protocol;
use crate::error::Os;
use crate::sys::Stat;
use crate::sys::types::Locality;

/// Returns `Remote`: locality matters only to `nonblocking`, which exists on Linux.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call, which can fail"
)]
pub(crate) fn locality(_: BorrowedFd<'_>) -> Result<Locality, Os> {
    Ok(Locality::Remote)
}

/// Returns true: unnamed files exist on Linux only.
#[allow(
    clippy::unnecessary_wraps,
    reason = "Linux needs calls, which can fail"
)]
pub(crate) fn syncs_links(_: BorrowedFd<'_>, _: &Stat) -> Result<bool, Os> {
    Ok(true)
}

/// Returns whether a server has the descriptor's file system: only a remote file has a protocol.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn may_be_shared(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(has_remote_protocol(fd))
}

/// Returns false: no file system shows kernel state as files.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call, which can fail"
)]
pub(crate) fn is_pseudo_file_system(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// Returns whether a directory may treat names as equal that differ in case or accents.
#[cfg(not(target_os = "linux"))]
pub(crate) fn folds_names(_: BorrowedFd<'_>) -> bool {
    true
}

/// Returns true: a file of another device is on another mount.
pub(crate) fn may_be_mount_point(_: BorrowedFd<'_>) -> bool {
    true
}
