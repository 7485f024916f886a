//! What a failed creation means, and a directory that is no longer where it was made.

use crate::error::{Code, Error, Os};
use crate::resolve::{Found, Last, Scope, classify, leads_elsewhere};
use crate::sys::{self, AsFd, BorrowedFd, SEARCH_ONLY};

/// Returns the error for a failed creation in an open directory.
///
/// ENOENT there has two causes: the directory was removed after it was opened (its link count is
/// 0), or its file system accepts no new names (procfs).
pub(crate) fn classify_creation(dir: BorrowedFd<'_>, os: Os) -> Error {
    match os.errno {
        sys::ENOENT => without_name(dir, os, "takes-none"),
        _ => os.into(),
    }
}

/// Returns the error for ENOENT beneath an open directory: the directory was removed, or else
/// `otherwise`.
pub(crate) fn without_name(dir: BorrowedFd<'_>, os: Os, otherwise: &'static str) -> Error {
    let is_removed = sys::fstat(dir).map_or(true, |stat| stat.nlink == 0);
    let detail = if is_removed { "removed" } else { otherwise };
    Error::refused_by(Code::NotFound, detail, os)
}

/// Returns the error for a dangling symlink.
pub(super) fn missing_target() -> Error {
    let os = Os {
        errno: sys::ENOENT,
        syscall: "mkdir",
    };
    Error::refused_by(Code::NotFound, "dangling", os)
}

/// Returns the directory that has replaced an obstacle, or the error for the obstacle: `O_DIRECTORY`
/// fails with ENOTDIR for a file and for a symlink alike. `None` when the obstacle is gone, and for
/// a directory that takes another open.
pub(super) fn directory_now(
    scope: &Scope<'_>,
    text: &[u8],
    last: Last,
    error: Error,
) -> Result<Option<Found>, Error> {
    let Error::System { os, .. } = error else {
        return Err(error);
    };
    if matches!(os.errno, sys::EXDEV | sys::EMFILE | sys::ENFILE) {
        return Err(classify(error));
    }
    // For every other reason node:fs would have failed in mkdir(2).
    let os = Os {
        syscall: "mkdir",
        ..os
    };
    if os.errno != sys::ENOTDIR {
        return Err(classify(os.into()));
    }
    match scope.inspect(text, last) {
        Ok((stat, found)) if stat.is_directory() => Ok(found),
        Ok((stat, _)) if stat.is_symlink() => Err(Error::refused(Code::Symlink, "link")),
        Ok((stat, _)) => Err(Error::refused_by(Code::NotDirectory, stat.kind_word(), os)),
        Err(error) if error.errno() == Some(sys::ENOENT) => Ok(None),
        Err(error) if error.errno() == Some(sys::ENOTDIR) => {
            Err(Error::refused_by(Code::NotDirectory, "parent", os))
        }
        Err(error) => Err(classify(error)),
    }
}

/// Verifies that a path leads to the directory that was made there, after that took long.
///
/// Without a root, a symlink on the way may lead elsewhere by now: `made` is where its result says.
///
/// # Errors
///
/// [`Code::PathMismatch`]; [`Code::NotFound`] for a directory that was removed.
pub(super) fn check_place(
    scope: &Scope<'_>,
    text: &[u8],
    last: Last,
    made: &Found,
) -> Result<(), Error> {
    let stat = sys::fstat(made.fd.as_fd())?;
    let moved = match scope.open(text, SEARCH_ONLY, last) {
        Ok(found) if sys::fstat(found.fd.as_fd())?.is_same_object(&stat) => return Ok(()),
        Ok(_) => Error::refused(Code::PathMismatch, "tree"),
        Err(Error::System { os, .. }) if leads_elsewhere(os.errno) => {
            if stat.nlink == 0 {
                return Err(Error::refused_by(Code::NotFound, "removed", os));
            }
            Error::refused_by(Code::PathMismatch, "tree", os)
        }
        Err(error) => return Err(classify(error)),
    };
    if scope.root.is_none() && !made.is_exact {
        return Ok(());
    }
    Err(moved)
}
