//! Kinds of file systems, and the file system of an object.
#![allow(unsafe_code, reason = "the safe wrapper hides the flags")]

use crate::error::Os;
use crate::sys::Stat;
use crate::sys::types::Locality;
use crate::sys::unix::named;
use nix::errno::Errno;
use nix::libc;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

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

/// Returns whether other hosts may use the descriptor's file system too (no `MNT_LOCAL`).
pub(crate) fn may_be_shared(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    let mut raw = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is borrowed and open, and `raw` is exclusive memory of the size the
    // call writes.
    let result = unsafe { libc::fstatfs(fd.as_raw_fd(), raw.as_mut_ptr()) };
    named("statfs", Errno::result(result).map(drop))?;
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    Ok(raw.f_flags & libc::MNT_LOCAL.cast_unsigned() == 0)
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

/// Returns true: a file of another device is on another mount.
pub(crate) fn may_be_mount_point(_: BorrowedFd<'_>) -> bool {
    true
}
