//! The system's own resolver on Windows: one open for the whole path, where links on the way are
//! its business. Nothing else is: with a root, or with links that are judged, it is the walk.

use super::scope::{Found, Last, Policy, Scope};
use crate::error::Error;
use crate::sys::{self, OFlag};

/// Whether the kernel keeps a path beneath a root: it cannot be told to.
pub(super) fn works() -> bool {
    false
}

/// Whether this resolver can do what the scope demands. It also reaches what lies beneath a
/// directory that one may pass through and not open, which the walk does not.
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
