//! Errnos that policy distinguishes, and what an errno proves about a call.

use crate::error::Os;
use nix::libc;
/// Errno values that policy distinguishes.
pub(crate) use nix::libc::{
    EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE,
    ENODEV, ENOENT, ENOLCK, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO, EOVERFLOW, EPERM, EROFS,
    EXDEV,
};
use std::sync::OnceLock;

/// The errno for denied permissions.
pub(crate) const DENIED: i32 = EACCES;

/// Returns the result of a probe. It is remembered unless the process lacked descriptors or memory.
pub(super) fn probed(known: &OnceLock<bool>, probe: impl Fn() -> Result<bool, Os>) -> bool {
    if let Some(&works) = known.get() {
        return works;
    }
    match probe() {
        Err(os) if is_shortage(os) => false,
        result => *known.get_or_init(|| result.unwrap_or(false)),
    }
}

pub(super) fn is_shortage(os: Os) -> bool {
    matches!(os.errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}
