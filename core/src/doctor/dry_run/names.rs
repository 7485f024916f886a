//! Dry runs of the verbs that change a name: `remove` of one entry, and `rename` to a free name.

use super::system_calls::{would_create, would_remove_name};
use crate::error::{Code, Error, Os};
use crate::ops::Failure;
use crate::ops::entries::read_flags;
use crate::ops::rename::{Side, explain};
use crate::ops::two_names::held_parent;
use crate::ops::write::parent::ParentRules;
use crate::resolve::{Naming, Scope, classify};
use crate::sys::{self, Directory, OFlag};
use crate::temporary::cannot_rename_new;
use std::os::fd::BorrowedFd;

/// Makes the calls of [`crate::ops::remove::remove`] without `recursive` up to the removal.
///
/// A directory that this process may not read counts as empty, unless its links tell of
/// directories in it.
///
/// # Errors
///
/// Those that it would return.
pub fn remove(scope: &Scope<'_>, raw: &[u8]) -> Result<(), Error> {
    let rules = ParentRules {
        wants_sync: false,
        make_parents: None,
    };
    let held = held_parent(scope, raw, Naming::Uses, rules)?;
    if held.names_directory {
        held.check_directory()?;
    }
    let (dir, name) = (held.parent.as_fd(), held.parent.name());
    let first = if held.names_directory {
        "rmdir"
    } else {
        "unlink"
    };
    let stat = would_remove_name(dir, name, first).map_err(|os| {
        // The removal looks for the name where the mount is read-only.
        let is_missing = os.errno == sys::EROFS
            && sys::fstatat(dir, name).is_err_and(|stat| stat.errno == sys::ENOENT);
        let errno = if is_missing { sys::ENOENT } else { os.errno };
        let os = Os { errno, ..os };
        // A directory is removed by a second call, after EISDIR or EPERM of the first one.
        let is_second = matches!(os.errno, sys::EPERM | sys::EBUSY)
            && sys::fstatat(dir, name).is_ok_and(|stat| stat.is_directory());
        let syscall = if is_second { "rmdir" } else { os.syscall };
        let os = Os { syscall, ..os };
        if os.syscall == "rmdir" || os.errno == sys::ENOENT {
            classify(os.into())
        } else {
            os.into()
        }
    })?;
    if stat.is_directory() && (stat.nlink > 2 || has_entries(dir, name)) {
        let os = Os {
            errno: sys::ENOTEMPTY,
            syscall: "rmdir",
        };
        return Err(classify(os.into()));
    }
    Ok(())
}

/// Returns whether a directory has entries that this process may read.
fn has_entries(dir: BorrowedFd<'_>, name: &[u8]) -> bool {
    // O_NOATIME needs the owner or CAP_FOWNER.
    let opened = sys::open_at(dir, name, read_flags() | OFlag::O_NOATIME)
        .or_else(|_| sys::open_at(dir, name, read_flags()));
    let Ok(Ok(mut directory)) = opened.map(Directory::of) else {
        return false;
    };
    matches!(directory.next(), Ok(Some(_)))
}

/// Makes the calls of [`crate::ops::rename::rename`] up to the rename to a name that has to be free.
/// Returns whether both directories could be synced.
///
/// # Errors
///
/// Those that it would return.
pub fn rename(from: Side<'_>, to: Side<'_>, is_durable: bool) -> Result<bool, Failure> {
    let rules = ParentRules {
        wants_sync: is_durable,
        make_parents: None,
    };
    let old = held_parent(from.scope, from.path, Naming::Changes, rules)?;
    if old.names_directory {
        old.check_directory()?;
    }
    let new = held_parent(to.scope, to.path, Naming::Changes, rules).map_err(Failure::of_second)?;
    if new.names_directory && !old.names_directory {
        old.check_directory()?;
    }
    let (dir, name) = (old.parent.as_fd(), old.parent.name());
    would_remove_name(dir, name, "rename").map_err(|os| {
        if !cannot_rename_new(os) {
            return explain(&new, os);
        }
        // The verb would add a link, which such a file system refuses.
        let is_directory = sys::fstatat(dir, name).is_ok_and(|stat| stat.is_directory());
        let detail = if is_directory {
            "rename-directory"
        } else {
            "rename-file"
        };
        Error::refused_by(Code::UnsupportedPlatform, detail, os).into()
    })?;
    if let Ok(stat) = sys::fstatat(new.parent.as_fd(), new.parent.name()) {
        let error = Error::refused(Code::AlreadyExists, stat.kind_word());
        return Err(Failure::of_second(error));
    }
    would_create(new.parent.as_fd(), "rename").map_err(|os| explain(&new, os))?;
    Ok(is_durable && old.can_sync && new.can_sync)
}
