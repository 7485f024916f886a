//! Where a descriptor leads, and how names are spelled.

use crate::error::Os;
use crate::sys::unix::named;
use nix::fcntl::FcntlArg;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Most file systems fold cases and compose accents: another spelling may be the real one.
pub(crate) const NAMES_ARE_EXACT: bool = false;

/// Where a descriptor leads now (`F_GETPATH`).
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let mut path = PathBuf::new();
    named(
        "fcntl",
        nix::fcntl::fcntl(fd, FcntlArg::F_GETPATH(&mut path)),
    )?;
    Ok(path.into_os_string().into_vec())
}
