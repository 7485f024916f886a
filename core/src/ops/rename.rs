//! Renames a file, a symlink or a directory, within one root or into another.
//!
//! Both parents are opened beneath their scopes and held; the rename is one call on the two
//! descriptors. A symlink is renamed itself, on either side.

use super::failure::Failure;
use super::tree::is_within;
use super::two_names::{HeldName, held_parent};
use super::write::directory_sync::sync_parent;
use super::write::fsync_errors;
use super::write::parent::ParentRules;
use crate::error::{Code, Error, Os};
use crate::make_dirs;
use crate::path;
use crate::resolve::{Naming, Scope, classify};
use crate::sys::{self, AsFd, Stat};
use crate::temporary::{cannot_rename_new, is_refused_link};

/// How a name is changed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether the new name may be that of an existing file or empty directory, which is replaced.
    pub overwrite: bool,
    /// Syncs both directories.
    pub is_durable: bool,
    /// The mode of missing parents of the new name; `None` when they are not created.
    pub make_parents: Option<u32>,
}

/// A changed name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The real path of the new name.
    pub path: Vec<u8>,
    /// Both are names of one file, and both are left, as POSIX demands.
    pub is_same: bool,
    /// Both directories were synced.
    pub is_durable: bool,
}

/// A path and the scope that it is resolved in.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Where the path starts, and what it may cross.
    pub scope: &'a Scope<'a>,
    /// The path as the caller gave it.
    pub path: &'a [u8],
}

/// Renames what has the first path to the second path.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`] (also for the root itself),
/// [`Code::Symlink`], [`Code::NotFound`], [`Code::NotDirectory`], [`Code::AlreadyExists`],
/// [`Code::PathMismatch`], [`Code::NotDurable`], [`Code::UnsupportedPlatform`] for a directory
/// where no rename without replacement exists; otherwise what the system returned: EXDEV, ENOTEMPTY,
/// EINVAL for a directory into itself.
pub fn rename(from: Side<'_>, to: Side<'_>, rules: &Rules) -> Result<Renamed, Failure> {
    let parent_rules = ParentRules {
        wants_sync: rules.is_durable,
        make_parents: None,
    };
    let old = held_parent(from.scope, from.path, Naming::Changes, parent_rules)?;
    if old.names_directory {
        old.check_directory()?;
    }
    let parent_rules = ParentRules {
        make_parents: rules.make_parents,
        ..parent_rules
    };
    let new = held_parent(to.scope, to.path, Naming::Changes, parent_rules)
        .map_err(Failure::of_second)?;
    if new.names_directory && !old.names_directory {
        // Only a directory gets a name that ends in `/`.
        old.check_directory()?;
    }
    let began = fsync_errors::mark();
    if rules.overwrite {
        let (dir, to_dir) = (old.parent.as_fd(), new.parent.as_fd());
        sys::rename_at(dir, old.parent.name(), to_dir, new.parent.name())
            .map_err(|os| explain(&new, os))?;
    } else {
        rename_new(&old, &new)?;
    }
    let is_same = rules.overwrite && is_same(&old, &new);
    let is_durable = rules.is_durable && sync_both(&old, &new, began)?;
    Ok(Renamed {
        path: path::join(&new.parent.real_path(to.scope), new.parent.name()).into_owned(),
        is_same,
        is_durable,
    })
}

/// Renames if the new name is free.
fn rename_new(old: &HeldName, new: &HeldName) -> Result<(), Failure> {
    let (from, to) = (&old.parent, &new.parent);
    match sys::rename_new(from.as_fd(), from.name(), to.as_fd(), to.name()) {
        Ok(()) => Ok(()),
        Err(os) if cannot_rename_new(os) => link_and_unlink(old, new, os),
        Err(os) => Err(explain(new, os)),
    }
}

/// Renames a file where the system has no rename without replacement: adds the new name, and
/// removes the old one if it is still that of the same file. Where the old one cannot be removed, the
/// new one is removed.
fn link_and_unlink(old: &HeldName, new: &HeldName, missing: Os) -> Result<(), Failure> {
    let (from, to) = (&old.parent, &new.parent);
    let stat = sys::fstatat(from.as_fd(), from.name()).map_err(|os| classify(os.into()))?;
    if stat.is_directory() {
        if missing.errno == sys::EINVAL && is_within(to.as_fd(), &stat)? {
            return Err(missing.into());
        }
        return Err(match sys::fstatat(to.as_fd(), to.name()) {
            Ok(stat) => Failure::of_second(Error::refused(Code::AlreadyExists, stat.kind_word())),
            Err(_) => {
                Error::refused_by(Code::UnsupportedPlatform, "rename-directory", missing).into()
            }
        });
    }
    match sys::link_at(from.as_fd(), from.name(), to.as_fd(), to.name()) {
        Ok(()) => {}
        Err(os) if os.errno != sys::EXDEV && is_refused_link(os) => {
            return Err(Error::refused_by(Code::UnsupportedPlatform, "rename-file", os).into());
        }
        Err(os) => {
            let syscall = "rename";
            return Err(explain(new, Os { syscall, ..os }));
        }
    }
    let both = |os: Option<Os>| -> Failure {
        match os {
            Some(os) => Error::refused_by(Code::PathMismatch, "both-names", os),
            None => Error::refused(Code::PathMismatch, "both-names"),
        }
        .into()
    };
    let linked = sys::fstatat(to.as_fd(), to.name()).map_err(|os| both(Some(os)))?;
    let seen = sys::fstatat(from.as_fd(), from.name()).map_err(|os| both(Some(os)))?;
    if !linked.is_same_object(&seen) {
        return Err(both(None));
    }
    match sys::unlink_at(from.as_fd(), from.name()) {
        Ok(()) => Ok(()),
        // Another process removed the old name.
        Err(os) if os.errno == sys::ENOENT => Ok(()),
        Err(os) if remove_link(new, &linked) => {
            let syscall = "rename";
            Err(Os { syscall, ..os }.into())
        }
        Err(os) => Err(both(Some(os))),
    }
}

/// Removes the new name again, if it still is that of the file. Returns whether it is gone.
fn remove_link(new: &HeldName, linked: &Stat) -> bool {
    let (dir, name) = (new.parent.as_fd(), new.parent.name());
    match sys::fstatat(dir, name) {
        Ok(seen) if seen.is_same_object(linked) => sys::unlink_at(dir, name).is_ok(),
        Ok(_) => false,
        Err(os) => os.errno == sys::ENOENT,
    }
}

/// Classifies the error of the rename itself.
pub(crate) fn explain(new: &HeldName, os: Os) -> Failure {
    match os.errno {
        sys::EEXIST => Failure::of_second(Error::refused_by(Code::AlreadyExists, "", os)),
        sys::ENOENT => Failure {
            is_second: sys::fstat(new.parent.as_fd()).is_ok_and(|stat| stat.nlink == 0),
            ..make_dirs::without_name(new.parent.as_fd(), os, "missing").into()
        },
        _ => os.into(),
    }
}

/// Returns whether the rename did nothing, since both are names of one file.
fn is_same(old: &HeldName, new: &HeldName) -> bool {
    let (from, to) = (&old.parent, &new.parent);
    if !sys::NAMES_ARE_EXACT && from.name() != to.name() && folds_to(from.name(), to.name()) {
        // The spelling of the one name has changed.
        return false;
    }
    match sys::fstatat(from.as_fd(), from.name()) {
        Ok(seen) => {
            sys::fstatat(to.as_fd(), to.name()).is_ok_and(|renamed| renamed.is_same_object(&seen))
        }
        Err(_) => false,
    }
}

fn folds_to(one: &[u8], other: &[u8]) -> bool {
    path::folded(one) == path::folded(other)
}

/// Syncs the directory of the new name, then that of the old one: at no time is the file without a
/// name on the disk.
fn sync_both(old: &HeldName, new: &HeldName, began: fsync_errors::Mark) -> Result<bool, Failure> {
    if !old.can_sync || !new.can_sync {
        return Ok(false);
    }
    let synced = sync_parent(&new.parent, began).map_err(Failure::of_second)?;
    let (from, to) = (old.parent.directory(), new.parent.directory());
    // Directories that cannot be told apart are synced one by one: the file has its new name.
    let is_one = match (sys::fstat(from.as_fd()), sys::fstat(to.as_fd())) {
        (Ok(from), Ok(to)) => from.is_same_object(&to),
        _ => false,
    };
    Ok(synced && (is_one || sync_parent(&old.parent, began)?))
}
