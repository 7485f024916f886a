//! Opens a path, and resolves it in one call: flags of `open(2)`.
//!
//! The kernel has no `O_PATH`: directories are opened with `O_SEARCH`, and other objects are
//! inspected by name.

use super::errno::{is_shortage, probed};
use crate::error::Os;
use crate::sys::unix;
use crate::sys::unix::open_absolute;
use nix::fcntl::OFlag;
use nix::libc;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// Flags to open a directory for calls beneath it: it need not be readable.
pub(crate) const SEARCH_ONLY: OFlag = OFlag::from_bits_retain(libc::O_SEARCH);

/// No flag opens an object without acting on it.
pub(crate) const PATH_ONLY: Option<OFlag> = None;

/// Fails where any component is a symlink (macOS 11); excludes `O_NOFOLLOW`.
pub(crate) const NOFOLLOW_ANY: OFlag = OFlag::from_bits_retain(libc::O_NOFOLLOW_ANY);

/// Fails where the path leaves the directory it starts in (macOS 15.4, <sys/fcntl.h>).
pub(crate) const RESOLVE_BENEATH: OFlag = OFlag::from_bits_retain(0x1000);

/// `openat(2)`, close-on-exec. A directory that is readable but not searchable is opened for
/// reading.
pub(crate) fn open_at(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    match unix::open_at(dir, path, flags) {
        Err(os) if os.errno == libc::EACCES && flags.contains(SEARCH_ONLY) => {
            let searching = OFlag::from_bits_retain(libc::O_EXEC);
            unix::open_at(dir, path, (flags - searching) | OFlag::O_RDONLY)
        }
        result => result,
    }
}

/// `openat(2)` that stays beneath the directory. Returns the errnos of Linux.
pub(crate) fn open_beneath(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open_at(dir, path, flags | RESOLVE_BENEATH).map_err(|os| match os.errno {
        libc::ENOTCAPABLE => Os {
            errno: libc::EXDEV,
            ..os
        },
        _ => os,
    })
}

/// Returns whether `O_NOFOLLOW_ANY` has an effect: older kernels ignore it. `/etc` is a symlink on
/// every macOS; where it is none, the probe proves nothing.
pub(crate) fn nofollow_any_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        match unix::open_absolute(b"/etc", SEARCH_ONLY | NOFOLLOW_ANY) {
            Err(os) if is_shortage(os) => Err(os),
            result => Ok(result.is_err_and(|os| os.errno == libc::ELOOP)),
        }
    })
}

/// Returns whether `O_RESOLVE_BENEATH` has an effect: older kernels ignore it, and then `..` leads
/// out.
pub(crate) fn resolve_beneath_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        let start = unix::open_absolute(b"/usr", SEARCH_ONLY)?;
        unix::open_at(start.as_fd(), b".", SEARCH_ONLY | RESOLVE_BENEATH)?;
        unix::open_at(start.as_fd(), b"..", SEARCH_ONLY)?;
        match unix::open_at(start.as_fd(), b"..", SEARCH_ONLY | RESOLVE_BENEATH) {
            Err(os) if is_shortage(os) => Err(os),
            result => Ok(result.is_err()),
        }
    })
}

/// Opens the start of an absolute path. Returns it with the length of the part that it covers.
pub(crate) fn open_top(_: &[u8]) -> Result<(OwnedFd, usize), Os> {
    Ok((open_absolute(b"/", SEARCH_ONLY)?, 0))
}

/// Opens a name in a directory. The caller compares devices, to find out about mounts.
pub(crate) fn open_on_mount(
    dir: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlag,
    _: bool,
) -> Result<OwnedFd, Os> {
    open_at(dir, name, flags)
}
