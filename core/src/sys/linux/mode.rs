//! Permission bits.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::errno::knows_call;
use super::procfs;
use crate::error::Os;
use crate::sys::unix::{change_mode, named, open_at};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// The group bits of the mode are an ACL's mask: `chmod` changes what its entries grant.
pub(crate) const MODE_MASKS_ACL: bool = true;

/// Same number on every architecture; kernel 6.6 and newer.
const SYS_FCHMODAT2: libc::c_long = 452;

/// Returns whether `fchmodat2` exists. Probed once, with an invalid descriptor.
pub(crate) fn fchmodat2_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            // SAFETY: the descriptor is invalid on purpose and the path is a static C string; the
            // call reads the string and changes nothing.
            unsafe { libc::syscall(SYS_FCHMODAT2, -1, c"".as_ptr(), 0, libc::AT_EMPTY_PATH) }
        })
    })
}

/// `chmod` of the directory behind a descriptor, also one opened with `O_PATH`, which `fchmod`
/// refuses (EBADF).
///
/// In order of preference: `fchmodat2(AT_EMPTY_PATH)`; the descriptor's name in procfs; and, where
/// there is no procfs, a second, readable descriptor.
pub(crate) fn change_mode_of_path_fd(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    if fchmodat2_works() {
        // SAFETY: the descriptor is borrowed and open for the duration of the call, and the path
        // is a static C string.
        let result = unsafe {
            libc::syscall(
                SYS_FCHMODAT2,
                fd.as_raw_fd(),
                c"".as_ptr(),
                mode,
                libc::AT_EMPTY_PATH,
            )
        };
        return named("chmod", Errno::result(result).map(drop));
    }
    let Ok((descriptors, name)) = procfs::way_to(fd) else {
        let readable = open_at(fd, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        return change_mode(readable.as_fd(), mode);
    };
    // SAFETY: the descriptor is open for the life of the process, and the path is a C string that
    // lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fchmodat,
            descriptors.as_raw_fd(),
            name.as_ptr(),
            mode,
        )
    };
    named("chmod", Errno::result(result).map(drop))
}
