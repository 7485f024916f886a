//! The system's resolver on Windows: one open for the whole path. It follows symlinks on the way
//! without a check, so a root or a policy that checks symlinks needs the walk.

use super::scope::{Found, Last, Policy, Scope};
use crate::error::Error;
use crate::sys::{self, OFlag};

/// Returns whether the kernel confines a path to the root: Windows has no such call.
pub(super) fn works() -> bool {
    false
}

/// Returns whether this resolver can meet the scope's demands. Unlike the walk, it reaches paths
/// beneath a directory that the caller may traverse but not open.
pub(super) fn serves(scope: &Scope<'_>) -> bool {
    scope.root.is_none() && scope.policy == Policy::FollowParents
}

pub(super) fn open(_: &Scope<'_>, text: &[u8], flags: OFlag, last: Last) -> Result<Found, Error> {
    let flags = match last {
        Last::Keep => flags | OFlag::O_NOFOLLOW,
        Last::Follow => flags,
    };
    Ok(Found {
        fd: sys::open_absolute(text, flags)?,
        is_exact: false,
    })
}
