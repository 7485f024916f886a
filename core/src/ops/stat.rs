//! Returns the stat of a path, or the target of a symlink, without opening the file.

use crate::error::{Code, Error, Os};
use crate::path;
use crate::resolve::{Last, Located, Policy, Scope, classify};
use crate::sys::{self, AsFd, Stat};

/// Returns the stat of a path. A final symlink is followed as the policy allows.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`]; [`Code::NotFound`], also
/// for a path beneath a file; [`Code::NotDirectory`] for a file whose path ends in `/`; otherwise
/// what the system returned.
pub fn stat(scope: &Scope<'_>, raw: &[u8]) -> Result<Stat, Error> {
    let located = scope.locate(raw)?;
    let found = of_located(scope, &located, final_link(scope))
        .map_err(|error| classify_stat("stat", error))?;
    if found.is_symlink() {
        return Err(Error::refused(Code::Symlink, "link"));
    }
    judge_slash(&located, found)
}

/// Returns the stat of a path. A final symlink is not followed.
///
/// # Errors
///
/// As [`stat`]; [`Code::NotDirectory`] also for a symlink whose path ends in `/`.
pub fn lstat(scope: &Scope<'_>, raw: &[u8]) -> Result<Stat, Error> {
    let located = scope.locate(raw)?;
    let found = of_located(scope, &located, Last::Keep);
    judge_slash(
        &located,
        found.map_err(|error| classify_stat("lstat", error))?,
    )
}

/// Returns whether a symlink as the final component is followed.
pub(crate) fn final_link(scope: &Scope<'_>) -> Last {
    match scope.policy {
        Policy::Reject | Policy::FollowParents => Last::Keep,
        Policy::FollowWithinRoot | Policy::FollowTrusted => Last::Follow,
    }
}

fn of_located(scope: &Scope<'_>, located: &Located<'_>, last: Last) -> Result<Stat, Error> {
    if let (Some(root), Some((b"", name))) = (scope.root, path::split(&located.text)) {
        // A name in the root's own directory: one system call.
        let found = sys::statx_at(root.directory().as_fd(), name)?;
        if last == Last::Keep || !found.is_symlink() {
            return Ok(found);
        }
    }
    let found = scope.stat(&located.text, last)?;
    scope.refuse_removed_root(&found, "stat")?;
    Ok(found)
}

/// Refuses anything but a directory under a path that ends in `/`.
pub(crate) fn judge_slash(located: &Located<'_>, found: Stat) -> Result<Stat, Error> {
    if located.names_directory && !found.is_directory() {
        return Err(Error::refused(Code::NotDirectory, found.kind_word()));
    }
    Ok(found)
}

/// Returns the target of a symlink, in the caller's form. The parent is held open, and the symlink
/// is read by its name there.
///
/// # Errors
///
/// As [`lstat`]; EINVAL for anything but a symlink.
pub fn read_link(scope: &Scope<'_>, raw: &[u8]) -> Result<Vec<u8>, Error> {
    const NAME: &str = "readlink";
    let located = scope.locate(raw)?;
    let parent = located.parent(scope);
    let Some(parent) = parent.map_err(|error| classify_stat(NAME, error))? else {
        // The root itself, or `..` at the end: a directory, if anything.
        lstat(scope, raw)?;
        return Err(Os {
            errno: sys::EINVAL,
            syscall: NAME,
        }
        .into());
    };
    if located.names_directory {
        let found = sys::fstatat(parent.as_fd(), parent.name());
        let found = found.map_err(|os| classify_stat(NAME, os.into()))?;
        judge_slash(&located, found)?;
    }
    let target = sys::read_link_text(parent.as_fd(), parent.name());
    let target = target.map_err(|os| classify_stat(NAME, os.into()))?;
    Ok(path::shown(&target).into_owned())
}

/// Classifies an error, and replaces the system call by the one that `node:fs` reports.
pub(crate) fn classify_stat(syscall: &'static str, error: Error) -> Error {
    let by_stat = |os: Os| Os { syscall, ..os };
    match error {
        Error::System { os, .. } if os.errno == sys::ENOTDIR => {
            Error::refused_by(Code::NotFound, "parent", by_stat(os))
        }
        error => match classify(error) {
            Error::System { os, temporary } => Error::System {
                os: by_stat(os),
                temporary,
            },
            Error::Refused(mut refusal) => {
                refusal.os = refusal.os.map(by_stat);
                Error::Refused(refusal)
            }
            incomplete @ Error::Incomplete { .. } => incomplete,
        },
    }
}
