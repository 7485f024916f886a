//! Copies a symlink as a symlink. What it leads to is not looked at.

use super::rules::{Copied, Rules, real_path};
use crate::error::{Code, Error, Os};
use crate::ops::failure::Failure;
use crate::ops::rename::Side;
use crate::ops::two_names::held_parent;
use crate::ops::write::Durable;
use crate::ops::write::directory_sync::sync_parent;
use crate::ops::write::fsync_errors;
use crate::ops::write::parent::ParentRules;
use crate::resolve::Naming;
use crate::sys::{self, BorrowedFd};
use crate::temporary::{SUFFIX, with_random_name};

/// Copies a symlink that is the whole of a recursive copy.
pub(super) fn copy_top(
    dir: BorrowedFd<'_>,
    name: &[u8],
    to: Side<'_>,
    rules: &Rules,
) -> Result<Copied, Failure> {
    let parent_rules = ParentRules {
        wants_sync: rules.durable == Durable::Full,
        make_parents: None,
    };
    let new = held_parent(to.scope, to.path, Naming::Changes, parent_rules)
        .map_err(Failure::of_second)?;
    if new.names_directory {
        return Err(Failure::of_second(Error::refused(Code::NotFile, "slash")));
    }
    let began = fsync_errors::mark();
    copy_link((dir, name), (new.parent.as_fd(), new.parent.name()), rules)?;
    let is_synced = new.can_sync && sync_parent(&new.parent, began).map_err(Failure::of_second)?;
    Ok(Copied {
        real: real_path(&new.parent.real_path(to.scope), new.parent.name()),
        entries: 1,
        bytes: 0,
        durable: if is_synced {
            Durable::Full
        } else {
            Durable::No
        },
    })
}

/// Copies a symlink. It gets its name at once, by a rename where it replaces something.
pub(super) fn copy_link(
    (from, name): (BorrowedFd<'_>, &[u8]),
    (to, new_name): (BorrowedFd<'_>, &[u8]),
    rules: &Rules,
) -> Result<(), Failure> {
    let target = sys::read_link_text(from, name).map_err(|os| match os.errno {
        // No symlink any more.
        sys::EINVAL => Error::refused_by(Code::PathMismatch, "exchanged", os),
        _ => os.into(),
    })?;
    match sys::symlink_at(&target, to, new_name) {
        Err(os) if os.errno == sys::EEXIST && rules.overwrite => {}
        Err(os) if os.errno == sys::EEXIST => {
            return Err(Failure::of_second(Error::refused_by(
                Code::AlreadyExists,
                "",
                os,
            )));
        }
        result => return result.map_err(|os| Failure::of_second(os.into())),
    }
    let second = |os: Os| Failure::of_second(os.into());
    let made = with_random_name(SUFFIX, |name| sys::symlink_at(&target, to, name));
    let (temporary, ()) = made.map_err(second)?;
    sys::rename_at(to, &temporary, to, new_name).map_err(|os| {
        let _ = sys::unlink_at(to, &temporary);
        match os.errno {
            sys::EISDIR => Failure::of_second(Error::refused_by(Code::NotFile, "directory", os)),
            _ => second(os),
        }
    })
}
