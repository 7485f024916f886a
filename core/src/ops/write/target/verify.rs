//! Checks whether the directory of a write is still where it was opened.

use super::WriteTarget;
use crate::error::{Code, Error};
use crate::ops::write::directory_sync::directory_flags;
use crate::ops::write::parent::classify_parent;
use crate::resolve::{Last, Scope};
use crate::sys::{self, AsFd};

impl WriteTarget {
    /// Verifies that the path beneath the root still leads to the open directory. A directory that
    /// was moved out of the root is not written to.
    ///
    /// # Errors
    ///
    /// [`Code::PathMismatch`]; [`Code::NotFound`] for a directory that was removed.
    pub(in crate::ops::write) fn check_parent(&self, scope: &Scope<'_>) -> Result<(), Error> {
        if scope.root.is_none() || self.parent.root().is_some() {
            return Ok(());
        }
        let parent = self.parent.text();
        let held = sys::fstat(self.parent.as_fd())?;
        match scope.open(parent, directory_flags(false), Last::Follow) {
            Ok(found) if sys::fstat(found.fd.as_fd())?.is_same_object(&held) => Ok(()),
            Ok(_) => Err(Error::refused(Code::PathMismatch, "moved")),
            Err(Error::System { os, .. }) if leads_elsewhere(os.errno) => Err(if held.nlink == 0 {
                Error::refused_by(Code::NotFound, "removed", os)
            } else {
                Error::refused_by(Code::PathMismatch, "moved", os)
            }),
            Err(error) => Err(classify_parent(error)),
        }
    }
}

/// Returns whether an errno means that a path no longer leads to its former directory.
fn leads_elsewhere(errno: i32) -> bool {
    matches!(
        errno,
        sys::ENOENT | sys::ENOTDIR | sys::ELOOP | sys::EXDEV | sys::EACCES
    )
}
