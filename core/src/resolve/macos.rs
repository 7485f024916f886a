//! The kernel's resolver on macOS: one `openat(2)` for the whole path. Flags refuse symlinks
//! (`O_NOFOLLOW_ANY`) and paths that leave the root (`O_RESOLVE_BENEATH`).

use super::scope::{Found, Last, Policy, Resolver, Scope};
use crate::error::{Error, Os};
use crate::sys::{self, AsFd, NOFOLLOW_ANY, OFlag, OwnedFd};

/// Returns whether the kernel refuses symlinks in every component. Older systems use the walk;
/// [`serves`] decides what else needs it.
pub(super) fn works() -> bool {
    sys::nofollow_any_works()
}

/// Returns whether this resolver can meet the scope's demands.
pub(super) fn serves(scope: &Scope<'_>) -> bool {
    scope.resolver == Resolver::Kernel
        && match scope.policy {
            // Without symlinks and `..`, no path leads out of a root.
            Policy::Reject => true,
            Policy::FollowTrusted => false,
            Policy::FollowParents | Policy::FollowWithinRoot => {
                scope.root.is_none() || sys::resolve_beneath_works()
            }
        }
}

/// Opens a path as `openat2` does, but never takes a path's spelling for the real one.
pub(super) fn open(
    scope: &Scope<'_>,
    text: &[u8],
    flags: OFlag,
    last: Last,
) -> Result<Found, Error> {
    let root = scope.root.map(|root| root.directory());
    let open = |flags| -> Result<OwnedFd, Os> {
        match &root {
            None => sys::open_absolute(text, flags),
            Some(root) if sys::resolve_beneath_works() => {
                sys::open_beneath(root.as_fd(), text, flags)
            }
            Some(root) => sys::open_at(root.as_fd(), text, flags),
        }
    };
    let fd = if scope.policy == Policy::Reject {
        open((flags - OFlag::O_NOFOLLOW) | NOFOLLOW_ANY)?
    } else if last == Last::Keep {
        open(flags | OFlag::O_NOFOLLOW)?
    } else {
        open(flags)?
    };
    Ok(Found {
        fd,
        is_exact: false,
    })
}
