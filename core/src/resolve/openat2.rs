//! The kernel's resolver on Linux: one `openat2(2)` for the whole path.

use super::scope::{Found, Last, Policy, Resolver, Scope};
use crate::error::{Error, Os};
use crate::sys::{
    self, AsFd, BorrowedFd, OFlag, OwnedFd, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, open_at2,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tries before the resolver gives up on a path that keeps changing. Under an attacker that
/// exchanges names as fast as it can, 16 tries fail for one call in ten thousand, and 64 for none.
const TRIES: u32 = 128;

/// Returns whether this kernel, and every seccomp filter, accepts the call.
pub(super) fn works() -> bool {
    sys::openat2_works()
}

/// Returns whether this resolver can meet the scope's demands. It cannot check the owner of a
/// symlink.
pub(super) fn serves(scope: &Scope<'_>) -> bool {
    scope.resolver == Resolver::Kernel && scope.policy != Policy::FollowTrusted
}

#[inline(always)]
pub(super) fn open(
    scope: &Scope<'_>,
    text: &[u8],
    flags: OFlag,
    last: Last,
) -> Result<Found, Error> {
    let root = scope.root.map(|root| root.directory());
    let start = root.as_ref().map_or(AT_FDCWD, |root| root.as_fd());
    let beneath = if root.is_some() {
        RESOLVE_BENEATH
    } else {
        ResolveFlag::empty()
    };
    // Together with O_PATH, O_NOFOLLOW opens a final symlink itself, under every resolve flag.
    let flags = match last {
        Last::Keep => flags | OFlag::O_NOFOLLOW,
        Last::Follow => flags,
    };
    // Even where symlinks may be followed, most paths have none. A first try without symlinks costs
    // nothing then, and proves that the path as written is the real one.
    match open_with_retries(start, text, flags, beneath | RESOLVE_NO_SYMLINKS) {
        Ok(fd) => return Ok(Found { fd, is_exact: true }),
        Err(os) if os.errno != sys::ELOOP || scope.policy == Policy::Reject => {
            return Err(os.into());
        }
        Err(_) => {}
    }
    let fd = open_with_retries(start, text, flags, beneath | RESOLVE_NO_MAGICLINKS)?;
    Ok(Found {
        fd,
        is_exact: false,
    })
}

/// Repeats an open after errors that may only mean that the path changed meanwhile: EAGAIN, and an
/// EXDEV that the next try does not confirm.
///
/// The kernel returns EAGAIN when a rename or mount anywhere on the host raced with `..`, and while
/// a lease is being broken. It returns EXDEV also when a component was moved during the walk.
#[inline(always)]
fn open_with_retries(
    start: BorrowedFd<'_>,
    text: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, Os> {
    let mut was_outside = false;
    for attempt in 1..TRIES {
        match open_at2(start, text, flags, resolve) {
            Err(os) if os.errno == sys::EAGAIN => was_outside = false,
            Err(os) if os.errno == sys::EXDEV && !was_outside => was_outside = true,
            result => return result,
        }
        // The first repetition is immediate: most changes are over by then.
        if attempt > 1 {
            pause();
        }
    }
    open_at2(start, text, flags, resolve)
}

/// Waits a random 1 to 50 µs, so that the tries do not synchronise with an attacker's.
fn pause() {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    std::thread::sleep(Duration::from_nanos(1_000 + u64::from(clock % 49_000)));
}
