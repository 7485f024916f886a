//! The kernel's resolver: one `openat2(2)` for the whole path.

use super::scope::{Found, Last, Policy, Resolver, Scope};
use crate::error::{Error, Os};
use crate::sys::{
    self, AsFd, BorrowedFd, OFlag, OwnedFd, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, open_at2,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tries before a path that keeps changing is given up. Under an attacker that exchanges names
/// as fast as it can, 16 tries answer all but one call in ten thousand, and 64 all of them.
const TRIES: u32 = 128;

/// Whether this kernel, and every filter before it, takes the call.
pub(super) fn works() -> bool {
    sys::openat2_works()
}

/// Whether this resolver can do what the scope demands: it cannot judge whom a link belongs to.
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
    // Together with O_PATH, O_NOFOLLOW opens a final link itself, under every resolve flag.
    let flags = match last {
        Last::Keep => flags | OFlag::O_NOFOLLOW,
        Last::Follow => flags,
    };
    // Even where links may be followed, most paths have none. Asking for exactly that first
    // costs nothing then, and proves that the path as written is the real one.
    match patiently(start, text, flags, beneath | RESOLVE_NO_SYMLINKS) {
        Ok(fd) => return Ok(Found { fd, is_exact: true }),
        Err(os) if os.errno != sys::ELOOP || scope.policy == Policy::Reject => {
            return Err(os.into());
        }
        Err(_) => {}
    }
    let fd = patiently(start, text, flags, beneath | RESOLVE_NO_MAGICLINKS)?;
    Ok(Found {
        fd,
        is_exact: false,
    })
}

/// Repeats what only says that the path changed meanwhile: EAGAIN, and an EXDEV that the next
/// look does not confirm.
///
/// The kernel answers EAGAIN when a rename or mount anywhere on the host raced with `..`, and
/// when a lease is being broken; it answers EXDEV also when a component was moved in mid-walk.
#[inline(always)]
fn patiently(
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
        // The first repetition is at once: most changes are over by then.
        if attempt > 1 {
            pause();
        }
    }
    open_at2(start, text, flags, resolve)
}

/// Waits 1 to 50 µs, differently each time, so as not to fall into step with an attacker.
fn pause() {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    std::thread::sleep(Duration::from_nanos(1_000 + u64::from(clock % 49_000)));
}
