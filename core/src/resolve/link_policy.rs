//! Decides whether a symlink may be followed in user space: by the walk, and by a write that
//! follows the final symlink of its path.
//!
//! The kernel applies its own policy where it follows a symlink. This module applies the same rules
//! to a symlink that was read, in the kernel's order (`pick_link`, `may_follow_link` in fs/namei.c,
//! Linux 6.18):
//!
//! 1. `fs.protected_symlinks`, for the last component of a path: EACCES.
//! 2. `nosymfollow` of the mount that the symlink lies on: ELOOP.
//!
//! The policy of the scope, which may be stricter, comes first.

use super::scope::Policy;
use crate::error::{Code, Error, Os};
use crate::metadata;
use crate::sys::{self, BorrowedFd, Stat, Target};

/// Symlinks that one path may cross, as in the kernel (path_resolution(7)).
pub(crate) const MAX_LINKS: u32 = 40;

/// Returns the target of a symlink, if the scope's policy and the kernel's rules allow following
/// it.
///
/// `directory` contains the symlink. `is_last` means that no component follows the symlink's name,
/// neither in the path nor in the targets of the symlinks that led here.
///
/// # Errors
///
/// [`Code::Symlink`]; ELOOP for a magic link, which leads elsewhere than its text; EACCES.
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

/// Returns the error of the kernel's `open` that would have followed the symlink.
fn refused(errno: i32) -> Os {
    Os {
        errno,
        syscall: "open",
    }
}
