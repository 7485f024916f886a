//! Errnos that policy distinguishes, and what an errno proves about a call.

use crate::error::Os;
use nix::errno::Errno;
use nix::libc;
/// Errno values that policy distinguishes.
pub(crate) use nix::libc::{
    EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE,
    ENODEV, ENOENT, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO, EOVERFLOW, EPERM, EROFS, EXDEV,
};

/// What the system answers to those whom permissions keep out.
pub(crate) const DENIED: i32 = EACCES;

/// Whether the kernel, and every filter before it, takes a call, which is made with an invalid
/// descriptor: EBADF says that it does.
///
/// Tried twice, so that one error by chance is not taken for a missing call.
pub(super) fn knows_call(call: impl Fn() -> libc::c_long) -> bool {
    let answers_bad_descriptor = || call() == -1 && Errno::last_raw() == libc::EBADF;
    answers_bad_descriptor() || answers_bad_descriptor()
}

/// Whether the process or the system has run out of something that it may have again.
pub(super) fn is_shortage(os: Os) -> bool {
    matches!(os.errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}
