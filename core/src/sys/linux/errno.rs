//! Errnos that policy distinguishes, and what an errno proves about a call.

use crate::error::Os;
use nix::errno::Errno;
use nix::libc;
/// Errno values that policy distinguishes.
pub(crate) use nix::libc::{
    EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE,
    ENODEV, ENOENT, ENOLCK, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO, EOVERFLOW, EPERM, EROFS,
    EXDEV,
};

/// The errno for denied permissions.
pub(crate) const DENIED: i32 = EACCES;

/// Returns whether the kernel, and every seccomp filter, accepts a call. The call uses an invalid
/// descriptor: EBADF proves that it exists.
///
/// Tried twice, so that one accidental error does not count as a missing call.
pub(super) fn knows_call(call: impl Fn() -> libc::c_long) -> bool {
    let answers_bad_descriptor = || call() == -1 && Errno::last_raw() == libc::EBADF;
    answers_bad_descriptor() || answers_bad_descriptor()
}

/// Returns whether an errno means a temporary shortage of descriptors or memory.
pub(super) fn is_shortage(os: Os) -> bool {
    matches!(os.errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}
