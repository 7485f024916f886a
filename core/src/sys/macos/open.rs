//! Opening a path, and resolving it in one call: flags of `open(2)`.
//!
//! The kernel has no `O_PATH`: directories are held for searching, and everything else is looked at
//! by name.

use super::errno::{is_shortage, probed};
use crate::error::Os;
use crate::sys::unix;
use crate::sys::unix::open_absolute;
use nix::fcntl::OFlag;
use nix::libc;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// How a directory is held for what lies beneath it: it need not be readable.
pub(crate) const HOLD: OFlag = OFlag::from_bits_retain(libc::O_SEARCH);

/// Nothing opens an object without acting on it.
pub(crate) const PATH_ONLY: Option<OFlag> = None;

/// Fails where any component is a link (macOS 11); it excludes `O_NOFOLLOW`.
pub(crate) const NOFOLLOW_ANY: OFlag = OFlag::from_bits_retain(libc::O_NOFOLLOW_ANY);

/// Fails where the path leaves the directory it starts in (macOS 15.4, <sys/fcntl.h>).
pub(crate) const RESOLVE_BENEATH: OFlag = OFlag::from_bits_retain(0x1000);

/// `openat(2)`, close-on-exec. A directory that may be read and not searched is held by reading.
pub(crate) fn open_at(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    match unix::open_at(dir, path, flags) {
        Err(os) if os.errno == libc::EACCES && flags.contains(HOLD) => {
            let searching = OFlag::from_bits_retain(libc::O_EXEC);
            unix::open_at(dir, path, (flags - searching) | OFlag::O_RDONLY)
        }
        result => result,
    }
}

/// `openat(2)` that stays beneath the directory, with an answer as Linux gives it.
pub(crate) fn open_beneath(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open_at(dir, path, flags | RESOLVE_BENEATH).map_err(|os| match os.errno {
        libc::ENOTCAPABLE => Os {
            errno: libc::EXDEV,
            ..os
        },
        _ => os,
    })
}

/// Whether `O_NOFOLLOW_ANY` has an effect: older kernels ignore it. `/etc` is a link on every
/// macOS; where it is none, nothing is proved.
pub(crate) fn nofollow_any_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        match unix::open_absolute(b"/etc", HOLD | NOFOLLOW_ANY) {
            Err(os) if is_shortage(os) => Err(os),
            result => Ok(result.is_err_and(|os| os.errno == libc::ELOOP)),
        }
    })
}

/// Whether `O_RESOLVE_BENEATH` has an effect: older kernels ignore it, and then `..` leads out.
pub(crate) fn resolve_beneath_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        let start = unix::open_absolute(b"/usr", HOLD)?;
        unix::open_at(start.as_fd(), b".", HOLD | RESOLVE_BENEATH)?;
        unix::open_at(start.as_fd(), b"..", HOLD)?;
        match unix::open_at(start.as_fd(), b"..", HOLD | RESOLVE_BENEATH) {
            Err(os) if is_shortage(os) => Err(os),
            result => Ok(result.is_err()),
        }
    })
}

/// Where an absolute path starts, and how much of it that was.
pub(crate) fn open_top(_: &[u8]) -> Result<(OwnedFd, usize), Os> {
    Ok((open_absolute(b"/", HOLD)?, 0))
}
