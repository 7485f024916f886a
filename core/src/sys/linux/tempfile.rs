//! Unnamed files (`O_TMPFILE`), and how they get a name.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::errno::{is_shortage, knows_call};
use super::procfs;
use crate::error::Os;
use crate::sys::unix::{named, open_at, uninterrupted};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::libc;
use nix::sys::stat::Mode;
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// `openat(2)` with `O_TMPFILE` (kernel 3.11): creates an unnamed file in the directory.
pub(crate) fn create_unnamed(dir: BorrowedFd<'_>, mode: u32) -> Result<OwnedFd, Os> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    uninterrupted(|| {
        named(
            "open",
            nix::fcntl::openat(dir, c".", flags, Mode::from_bits_truncate(mode)),
        )
    })
}

/// Links an unnamed file to a name, if the name is free.
///
/// `linkat(AT_EMPTY_PATH)` needs a capability before kernel 6.10, and the credentials the file was
/// opened with since; both failures show as ENOENT. The descriptor's name in procfs needs neither.
pub(crate) fn link_fd(file: BorrowedFd<'_>, dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    let to = CString::new(name).map_err(|_| Os {
        errno: libc::EINVAL,
        syscall: "link",
    })?;
    match link(file, c"", dir, &to, libc::AT_EMPTY_PATH) {
        Err(os) if os.errno == libc::ENOENT => {
            let (descriptors, held) = procfs::way_to(file).map_err(|_| os)?;
            link(descriptors, &held, dir, &to, libc::AT_SYMLINK_FOLLOW)
        }
        result => result,
    }
}

fn link(
    from: BorrowedFd<'_>,
    path: &std::ffi::CStr,
    dir: BorrowedFd<'_>,
    name: &std::ffi::CStr,
    flags: libc::c_int,
) -> Result<(), Os> {
    // SAFETY: both descriptors are borrowed and open (or AT_FDCWD). Both strings are C strings that
    // live until the call returns. It changes no memory of ours.
    let result = unsafe {
        libc::linkat(
            from.as_raw_fd(),
            path.as_ptr(),
            dir.as_raw_fd(),
            name.as_ptr(),
            flags,
        )
    };
    named("link", Errno::result(result).map(drop))
}

/// Returns whether an unnamed file can be linked here. Probed once, with `/`, which cannot be
/// linked.
///
/// `"."` exists, so the call returns EEXIST where it is allowed at all, and ENOENT where it is not;
/// then procfs is needed. A seccomp filter refuses a call with an invalid descriptor, too.
pub(crate) fn link_fd_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    if let Some(&works) = WORKS.get() {
        return works;
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let probe = || -> Result<bool, Os> {
        if !knows_call(link_of_no_file) {
            return Ok(false);
        }
        let top = open_at(AT_FDCWD, b"/", flags)?;
        let top = std::os::fd::AsFd::as_fd(&top);
        match link(top, c"", top, c".", AtFlags::AT_EMPTY_PATH.bits()) {
            Err(os) if os.errno == libc::EEXIST => Ok(true),
            _ => procfs::open_procfs().map(|()| true),
        }
    };
    match probe() {
        // A shortage proves nothing about the kernel: the next call probes again.
        Err(os) if is_shortage(os) => false,
        result => *WORKS.get_or_init(|| result.unwrap_or(false)),
    }
}

/// Calls `linkat` with invalid descriptors.
fn link_of_no_file() -> libc::c_long {
    // SAFETY: the descriptors are invalid on purpose and the names are static C strings; the call
    // reads the strings and changes nothing.
    unsafe { libc::syscall(libc::SYS_linkat, -1, c"a".as_ptr(), -1, c"b".as_ptr(), 0) }
}
