//! Checks whether the directory of a write is still where it was opened.

use super::WriteTarget;
use crate::error::{Code, Error};
use crate::ops::write::directory_sync::directory_flags;
use crate::ops::write::parent::classify_parent;
use crate::resolve::{Found, Last, Parent, Scope, leads_elsewhere};
use crate::sys::{self, AsFd, Stat};

impl WriteTarget {
    /// Verifies that the open directory is still where the path of the result will say, see
    /// [`check_held`]. A directory of a tree is held by who copies the tree, who checks its parent.
    ///
    /// # Errors
    ///
    /// Those of [`check_held`].
    pub(in crate::ops::write) fn check_parent(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        if self.is_held_by_caller {
            return Ok(());
        }
        if let Some(real) = check_held(&self.parent, &self.dir_path, scope)? {
            self.dir_path = real;
            self.is_as_given = false;
        }
        Ok(())
    }
}

/// Verifies that an open directory is still where it was opened: its path leads to it, and its real
/// path is the same. A directory that was moved is not written to. Returns its real path if that is
/// another now.
///
/// Without a root, a symlink on the way may lead elsewhere by now: the real path counts, looked up
/// under the same policy. Where a symlink there leads to the directory now, results have the
/// directory's present path. Beneath a root, the path has to lead to the directory as well.
///
/// # Errors
///
/// [`Code::PathMismatch`]; [`Code::NotFound`] for a directory that was removed.
pub(in crate::ops) fn check_held(
    parent: &Parent,
    dir_path: &[u8],
    scope: &Scope<'_>,
) -> Result<Option<Vec<u8>>, Error> {
    if parent.root().is_some() {
        return Ok(None);
    }
    let text = parent.text();
    let held = sys::fstat(parent.as_fd())?;
    match find_again(scope, text, &held) {
        Ok(found) if scope.real_path(text, &found) == dir_path => Ok(None),
        Ok(_) if scope.root.is_some() => Err(Error::refused(Code::PathMismatch, "moved")),
        Err(error) if scope.root.is_some() => Err(error),
        _ => {
            let found = find_again(scope, dir_path, &held)?;
            let real = scope.real_path(dir_path, &found);
            // Another path: it was renamed, and a symlink that may be followed has its name.
            Ok((real != dir_path).then_some(real))
        }
    }
}

/// Opens a path that led to the held directory.
fn find_again(scope: &Scope<'_>, path: &[u8], held: &Stat) -> Result<Found, Error> {
    match scope.open(path, directory_flags(false), Last::Follow) {
        Ok(found) if sys::fstat(found.fd.as_fd())?.is_same_object(held) => Ok(found),
        Ok(_) => Err(Error::refused(Code::PathMismatch, "moved")),
        Err(Error::System { os, .. }) if leads_elsewhere(os.errno) => Err(if held.nlink == 0 {
            Error::refused_by(Code::NotFound, "removed", os)
        } else {
            Error::refused_by(Code::PathMismatch, "moved", os)
        }),
        Err(error) => Err(classify_parent(error)),
    }
}
