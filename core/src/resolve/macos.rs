//! The kernel's resolver of macOS: one `openat(2)` for the whole path, with flags that have it
//! refuse links (`O_NOFOLLOW_ANY`) and what leaves the root (`O_RESOLVE_BENEATH`).

use super::scope::{Found, Last, Policy, Resolver, Scope};
use crate::error::{Error, Os};
use crate::sys::{self, AsFd, NOFOLLOW_ANY, OFlag, OwnedFd};

/// Whether the kernel refuses links anywhere on the way. What stays beneath a root otherwise is
/// known by the scope: older systems walk.
pub(super) fn works() -> bool {
    sys::nofollow_any_works()
}

/// Whether this resolver can do what the scope demands.
pub(super) fn serves(scope: &Scope<'_>) -> bool {
    scope.resolver == Resolver::Kernel
        && match scope.policy {
            // Without links and `..`, nothing leads out of a root.
            Policy::Reject => true,
            Policy::FollowTrusted => false,
            Policy::FollowParents | Policy::FollowWithinRoot => {
                scope.root.is_none() || sys::resolve_beneath_works()
            }
        }
}

/// As `openat2` does, but that no spelling is taken for the real one here.
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
