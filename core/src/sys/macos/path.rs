//! The path of a descriptor, and the spelling of names.

use crate::error::Os;
use crate::sys::unix::named;
use nix::fcntl::FcntlArg;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Most file systems fold case and compose accents: another spelling may be the real one.
pub(crate) const NAMES_ARE_EXACT: bool = false;

/// Returns the current path of a descriptor (`F_GETPATH`).
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let mut path = PathBuf::new();
    named(
        "fcntl",
        nix::fcntl::fcntl(fd, FcntlArg::F_GETPATH(&mut path)),
    )?;
    Ok(path.into_os_string().into_vec())
}
