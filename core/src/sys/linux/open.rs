//! Opens a path, and resolves it in one call: `openat2(2)`.
//!
//! Newer calls go through `syscall(2)`, so the addon needs no newer libc than its kernel.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::errno::{is_shortage, knows_call};
use crate::error::Os;
use crate::sys::unix::{named, open_absolute, uninterrupted};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag};
use nix::libc;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// Flags to open a directory for calls beneath it: it need not be readable.
pub(crate) const SEARCH_ONLY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);

/// Flags to open an object without acting on it; a symlink is opened itself.
pub(crate) const PATH_ONLY: Option<OFlag> = Some(OFlag::O_PATH);

pub(crate) const RESOLVE_BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH;

pub(crate) const RESOLVE_NO_SYMLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_SYMLINKS;

pub(crate) const RESOLVE_NO_XDEV: ResolveFlag = ResolveFlag::RESOLVE_NO_XDEV;

/// Resolves through the kernel's caches alone, and returns EAGAIN instead of calling the file
/// system (kernel 5.12).
pub(crate) const RESOLVE_CACHED: ResolveFlag = ResolveFlag::from_bits_retain(libc::RESOLVE_CACHED);

pub(crate) const RESOLVE_NO_MAGICLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_MAGICLINKS;

/// `openat2(2)`, kernel 5.6 and newer, close-on-exec.
#[inline(always)]
pub(crate) fn open_at2(
    dir: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, Os> {
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(resolve);
    uninterrupted(|| named("open", nix::fcntl::openat2(dir, path, how)))
}

/// Opens a name in a directory; with `openat2`, EXDEV for a name on which another mount lies. No
/// mount is entered then, and no automount triggered. Without it, the caller compares devices.
pub(crate) fn open_on_mount(
    dir: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlag,
    has_openat2: bool,
) -> Result<OwnedFd, Os> {
    if has_openat2 {
        open_at2(dir, name, flags, RESOLVE_NO_XDEV)
    } else {
        crate::sys::unix::open_at(dir, name, flags)
    }
}

/// Returns whether `openat2` can be used. Probed once, never with a path of a caller.
///
/// A seccomp filter may return ENOSYS, EPERM or any other errno. One success, or EBADF for an
/// invalid descriptor, proves that the call exists: `.` and `/` may have errors of their own. A
/// shortage of descriptors or memory proves nothing, and the next call probes again.
pub(crate) fn openat2_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    if let Some(&works) = WORKS.get() {
        return works;
    }
    let probe = |name: &[u8]| {
        let here = nix::fcntl::AT_FDCWD;
        open_at2(here, name, OFlag::O_PATH, RESOLVE_NO_SYMLINKS).map(drop)
    };
    match probe(b".").or_else(|_| probe(b"/")) {
        Err(os) if is_shortage(os) => false,
        Ok(()) => *WORKS.get_or_init(|| true),
        Err(_) => *WORKS.get_or_init(|| knows_call(openat2_of_no_directory)),
    }
}

/// Calls `openat2` with a valid request and an invalid descriptor.
fn openat2_of_no_directory() -> libc::c_long {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(RESOLVE_NO_SYMLINKS);
    // SAFETY: the descriptor is invalid on purpose, the path is a static C string, and `how` has
    // the layout and size of `struct open_how`; the call only reads them.
    unsafe {
        libc::syscall(
            libc::SYS_openat2,
            -1,
            c"a".as_ptr(),
            &raw const how,
            size_of::<OpenHow>(),
        )
    }
}

/// Opens the start of an absolute path. Returns it with the length of the part that it covers.
pub(crate) fn open_top(_: &[u8]) -> Result<(OwnedFd, usize), Os> {
    Ok((open_absolute(b"/", SEARCH_ONLY)?, 0))
}
