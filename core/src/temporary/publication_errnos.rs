//! What an errno of a failed publication means.

use crate::error::Os;
use crate::sys;

/// Returns whether `renameat2(RENAME_NOREPLACE)` is missing: the kernel is older than 3.15, the
/// file system does not support it, or a filter refuses every such call.
pub(crate) fn cannot_rename_new(os: Os) -> bool {
    match os.errno {
        sys::EINVAL | sys::ENOSYS | sys::ENOTSUP => true,
        sys::EPERM | sys::EACCES => !sys::rename_new_works(),
        _ => false,
    }
}

/// Returns whether the link of an unnamed file was refused by a security module, a filter or a file
/// system. A temporary with a name from the start can be published.
pub(crate) fn is_refused_link(os: Os) -> bool {
    os.syscall == "link"
        && matches!(
            os.errno,
            sys::EPERM | sys::EACCES | sys::ENOSYS | sys::ENOTSUP | sys::EXDEV | sys::EINVAL
        )
}
