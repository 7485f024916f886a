//! Whether a symlink may be followed in user space: by the walk, and by a write that follows the
//! final link of its path.
//!
//! The kernel applies its own policy where it follows a link. Here the same rules are applied to
//! the link that was read, and in the kernel's order (`pick_link`, `may_follow_link` in
//! fs/namei.c, Linux 6.18):
//!
//! 1. `fs.protected_symlinks`, for the last component of a path: EACCES.
//! 2. `nosymfollow` of the mount that the link lies on: ELOOP.
//!
//! Before them comes the policy of the scope, which may be stricter.

use super::scope::Policy;
use crate::error::{Code, Error, Os};
use crate::metadata;
use crate::sys::{self, BorrowedFd, Stat, Target};

/// Links that one path may cross, as in the kernel (path_resolution(7)).
pub(crate) const MAX_LINKS: u32 = 40;

/// The target of a link, if the scope's policy and the kernel's allow following it.
///
/// `directory` is the one that has the link. `is_last` says that nothing follows the link's name in
/// the path, nor follows the names of the links that led here.
///
/// # Errors
///
/// [`Code::Symlink`]; ELOOP for a link that leads elsewhere than its text; EACCES.
pub(crate) fn allowed_target(
    policy: Policy,
    stat: &Stat,
    target: Target,
    directory: BorrowedFd<'_>,
    is_last: bool,
) -> Result<Vec<u8>, Error> {
    if policy == Policy::Reject {
        return Err(refused(sys::ELOOP).into());
    }
    if policy == Policy::FollowTrusted || is_last {
        let parent = sys::fstat(directory)?;
        if policy == Policy::FollowTrusted && !metadata::is_trusted_link(stat, &parent) {
            return Err(Error::refused(Code::Symlink, "untrusted"));
        }
        if is_last && metadata::is_protected_link(stat, &parent) && sys::protects_symlinks() {
            return Err(refused(sys::EACCES).into());
        }
    }
    match target {
        Target::Path(target) => Ok(target),
        Target::NoFollow => Err(Error::refused_by(
            Code::Symlink,
            "nosymfollow",
            refused(sys::ELOOP),
        )),
        Target::Magic => Err(refused(sys::ELOOP).into()),
    }
}

/// What the kernel answers to the open that would have followed the link.
fn refused(errno: i32) -> Os {
    Os {
        errno,
        syscall: "open",
    }
}
