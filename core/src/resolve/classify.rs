//! Classification of path errors, common to all operations.

use crate::error::{Code, Error};
use crate::sys;

/// Classifies the errors that every verb classifies alike. Returns other errors unchanged.
pub(crate) fn classify(error: Error) -> Error {
    let Error::System { os, .. } = error else {
        return error;
    };
    match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "missing", os),
        sys::ELOOP => Error::refused_by(Code::Symlink, "link", os),
        sys::EXDEV if os.syscall == "open" => Error::refused_by(Code::OutsideWorkspace, "link", os),
        _ => error,
    }
}

/// Returns whether an errno means that a path no longer leads to the object that it led to before.
pub(crate) fn leads_elsewhere(errno: i32) -> bool {
    matches!(
        errno,
        sys::ENOENT | sys::ENOTDIR | sys::ELOOP | sys::EXDEV | sys::EACCES
    )
}
