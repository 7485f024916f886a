//! Opens the parent directory for a verb that changes a name in it, and classifies the failure.

use super::directory_sync::{DOUBTFUL_SYNC, directory_flags, sync_directory};
use super::fsync_errors;
use crate::error::{Code, Error};
use crate::make_dirs;
use crate::resolve::{Found, Last, Scope, classify};
use crate::sys::{self, AsFd, BorrowedFd};

/// How a parent directory is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParentRules {
    /// Opens the directory for a sync, and syncs the directories that are created.
    pub(crate) wants_sync: bool,
    /// Creates missing directories with this mode.
    pub(crate) make_parents: Option<u32>,
}

/// Opens a directory, and creates it where the rules say so. Returns it with whether it can be
/// synced.
///
/// # Errors
///
/// Those of [`explain_parent`] and of [`make_dirs::open_or_make`].
pub(crate) fn open_parent(
    scope: &Scope<'_>,
    parent: &[u8],
    rules: ParentRules,
) -> Result<(Found, bool), Error> {
    let ParentRules {
        wants_sync,
        make_parents,
    } = rules;
    let mut can_sync = wants_sync;
    let opened = match scope.open(parent, directory_flags(wants_sync), Last::Follow) {
        // A directory may be writable but not readable; then it cannot be synced.
        Err(error) if wants_sync && error.errno() == Some(sys::DENIED) => {
            can_sync = false;
            scope.open(parent, directory_flags(false), Last::Follow)
        }
        result => result,
    };
    let found = match (opened, make_parents) {
        (Ok(found), _) => found,
        (Err(error), Some(mode)) if error.errno() == Some(sys::ENOENT) => {
            let began = fsync_errors::mark();
            let mut sync_each = |dir: BorrowedFd<'_>| {
                if wants_sync {
                    can_sync &= sync_directory(dir)?;
                    if fsync_errors::has_failed_since(began, dir) {
                        return Err(DOUBTFUL_SYNC.into());
                    }
                }
                Ok(())
            };
            let made = make_dirs::open_or_make(scope, parent, mode, Last::Follow, &mut sync_each)?;
            let mut found = made.found;
            if wants_sync {
                match sys::open_at(found.fd.as_fd(), b".", directory_flags(true)) {
                    Ok(readable) => found.fd = readable,
                    Err(_) => can_sync = false,
                }
            }
            found
        }
        (Err(error), _) => return Err(explain_parent(scope, parent, error)),
    };
    Ok((found, can_sync))
}

/// Finds the cause of a failed open of the parent. A dangling symlink on the way is not a missing
/// directory, and no `mkdir` helps.
pub(crate) fn explain_parent(scope: &Scope<'_>, parent: &[u8], error: Error) -> Error {
    let Error::System { os, .. } = error else {
        return error;
    };
    if os.errno == sys::ENOENT && make_dirs::leads_to_nothing(scope, parent) {
        return Error::refused_by(Code::NotFound, "dangling", os);
    }
    classify_parent(os.into())
}

/// Classifies a failed open of the parent.
pub(crate) fn classify_parent(error: Error) -> Error {
    match error {
        Error::System { os, .. } if os.errno == sys::ENOTDIR => {
            Error::refused_by(Code::NotDirectory, "parent", os)
        }
        Error::System { os, .. } if os.errno == sys::ENOENT => {
            Error::refused_by(Code::NotFound, "directory", os)
        }
        other => classify(other),
    }
}
