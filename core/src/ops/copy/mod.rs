//! Copies a file or a tree.
//!
//! A file is copied into a temporary and published as a write publishes it
//! ([`super::write`]): the content of the source is shared (`FICLONE`), else copied within the
//! kernel (`copy_file_range`), else read and written. A tree is walked by descriptors
//! ([`super::tree`]), on both sides.

mod content;
mod link;
mod rules;
mod tree;

use super::failure::Failure;
use super::read;
use super::rename::Side;
use super::tree::count;
use super::two_names::find_parent;
use super::write::parent::ParentRules;
use super::write::{IsAborted, WriteTarget, write_with};
use crate::resolve::Naming;
use crate::sys::{self, AsFd, BorrowedFd};
use content::{content_failure, copy_content};
pub use rules::{Copied, Rules};

/// Copies what has the first path to the second path.
///
/// # Errors
///
/// Those of [`read::open`] for the source and of [`write::write`] for the copy; `Code::NotFile` for
/// a directory without `recursive`, and for other kinds in a tree; `Code::TooLarge`,
/// `Code::Aborted`; EINVAL for a tree into itself, EBUSY for a mount in it; otherwise what the
/// system returned.
pub fn copy(
    from: Side<'_>,
    to: Side<'_>,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Copied, Failure> {
    if rules.recursive {
        let parent_rules = ParentRules {
            wants_sync: false,
            make_parents: None,
        };
        let Some(held) = find_parent(from.scope, from.path, Naming::Uses, parent_rules)? else {
            return copy_root(from, to, rules, is_aborted);
        };
        if held.names_directory {
            held.check_directory()?;
        }
        let (dir, name) = (held.parent.as_fd(), held.parent.name());
        let stat =
            sys::fstatat(dir, name).map_err(|os| super::stat::classify_stat("lstat", os.into()))?;
        if stat.is_directory() {
            return copy_tree((dir, name), from, to, rules, is_aborted);
        }
        if stat.is_symlink() {
            return link::copy_top(dir, name, to, rules);
        }
    }
    copy_file(from, to, rules, is_aborted)
}

/// Copies the directory of a root.
fn copy_root(
    from: Side<'_>,
    to: Side<'_>,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Copied, Failure> {
    match from.scope.root {
        Some(root) => {
            let dir = root.directory();
            copy_tree((dir.as_fd(), b"."), from, to, rules, is_aborted)
        }
        None => copy_file(from, to, rules, is_aborted),
    }
}

fn copy_tree(
    (dir, name): (BorrowedFd<'_>, &[u8]),
    from: Side<'_>,
    to: Side<'_>,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Copied, Failure> {
    if let Some(most) = rules.max_entries {
        count((dir, name), from.scope.resolver, most, is_aborted)?;
    }
    tree::copy((dir, name), from.scope.resolver, to, rules, is_aborted)
}

fn copy_file(
    from: Side<'_>,
    to: Side<'_>,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Copied, Failure> {
    let source = read::open(from.scope, from.path, &rules.for_read())?;
    if is_aborted() {
        return Err(Failure::aborted());
    }
    let write_rules = rules.for_write(source.as_fd(), source.stat(), rules.durable)?;
    let target = WriteTarget::find(to.scope, to.path, &write_rules).map_err(Failure::of_second)?;
    let most = rules.max_bytes.unwrap_or(u64::MAX);
    let mut reading = None;
    let written = write_with(
        to.scope,
        target,
        &write_rules,
        |copy| {
            copy_content(source.as_fd(), copy, most, is_aborted).inspect_err(|error| {
                reading = Some(error.clone());
            })
        },
        is_aborted,
    );
    match written {
        Ok(written) => Ok(Copied {
            real: written.real,
            entries: 1,
            bytes: written.size,
            durable: written.durable,
        }),
        Err(error) => Err(match reading {
            Some(error) => content_failure(error),
            None => Failure::of_second(error),
        }),
    }
}
