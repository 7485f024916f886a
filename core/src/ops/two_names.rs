//! The directory and the name for a verb that changes a name: `rename`, `remove` and `copy`.

use super::write::parent::{ParentRules, open_parent};
use crate::error::{Code, Error};
use crate::resolve::{Naming, Parent, Scope, classify};
use crate::sys;

/// A name in an open directory.
#[derive(Debug)]
pub(crate) struct HeldName {
    pub(crate) parent: Parent,
    /// The path ended in `/` or `/.`.
    pub(crate) names_directory: bool,
    /// Whether the descriptor of the directory can be synced.
    pub(crate) can_sync: bool,
}

/// Opens the parent of a path.
///
/// # Errors
///
/// [`Code::OutsideWorkspace`] for the root itself, [`Code::InvalidPath`] for a path that ends in
/// `..`, and for a reserved name that the call changes; those of [`open_parent`].
pub(crate) fn held_parent(
    scope: &Scope<'_>,
    raw: &[u8],
    naming: Naming,
    rules: ParentRules,
) -> Result<HeldName, Error> {
    find_parent(scope, raw, naming, rules)?.ok_or_else(|| match scope.root {
        Some(_) => Error::refused(Code::OutsideWorkspace, "root"),
        None => Error::refused(Code::InvalidPath, "dots"),
    })
}

/// Opens the parent of a path as [`held_parent`] does. Returns `None` for the root itself.
pub(crate) fn find_parent(
    scope: &Scope<'_>,
    raw: &[u8],
    naming: Naming,
    rules: ParentRules,
) -> Result<Option<HeldName>, Error> {
    let located = scope.locate(raw)?;
    if ends_in_dots(raw) {
        return Err(Error::refused(Code::InvalidPath, "dots"));
    }
    let mut can_sync = rules.wants_sync;
    let parent = Parent::open(scope, &located.text, naming, |parent| {
        let found;
        (found, can_sync) = open_parent(scope, parent, rules)?;
        Ok(found)
    })?;
    Ok(parent.map(|parent| HeldName {
        parent,
        names_directory: located.names_directory,
        can_sync,
    }))
}

impl HeldName {
    /// Refuses anything but a directory.
    pub(crate) fn check_directory(&self) -> Result<(), Error> {
        match sys::fstatat(self.parent.as_fd(), self.parent.name()) {
            Ok(stat) if stat.is_symlink() => Err(Error::refused(Code::Symlink, "slash")),
            Ok(stat) if stat.is_directory() => Ok(()),
            Ok(stat) => Err(Error::refused(Code::NotDirectory, stat.kind_word())),
            Err(os) => Err(classify(os.into())),
        }
    }
}

/// Returns whether the last component of a path is `..`.
fn ends_in_dots(raw: &[u8]) -> bool {
    raw.split(|&byte| byte == b'/' || (cfg!(windows) && byte == b'\\'))
        .rev()
        .find(|part| !matches!(*part, b"" | b"."))
        == Some(b"..")
}
