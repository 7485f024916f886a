//! Owners and groups: whose an object is, and which links and errors that concerns.

use crate::sys::{self, Ids, Stat};

/// The id that stands for every id a user namespace does not map (proc(5), overflowuid).
const OVERFLOW_ID: u32 = 65534;

/// Whether an object with this owner is the effective user's own.
///
/// Where not every id is mapped, the overflow id is nobody's: equal numbers prove nothing.
pub(crate) fn is_own(uid: u32) -> bool {
    uid == sys::effective_user() && is_mapped(uid)
}

/// Whether a user id has a meaning in this user namespace.
pub(crate) fn is_mapped(id: u32) -> bool {
    id != OVERFLOW_ID || sys::has_full_map(Ids::Users)
}

/// Whether a group id has a meaning in this user namespace.
pub(crate) fn is_mapped_group(id: u32) -> bool {
    id != OVERFLOW_ID || sys::has_full_map(Ids::Groups)
}

/// Whether two files have the same group, as far as numbers can prove it.
pub(crate) fn is_same_group(one: &Stat, other: &Stat) -> bool {
    one.gid == other.gid && is_mapped_group(one.gid)
}

/// Whether two files have the same owner, as far as numbers can prove it.
pub(crate) fn is_same_owner(one: &Stat, other: &Stat) -> bool {
    one.uid == other.uid && is_mapped(one.uid)
}

/// Whether the owner is the effective user or root, who could read everything anyway.
pub(crate) fn is_own_or_root(uid: u32) -> bool {
    uid == 0 || is_own(uid)
}

/// Whether a link may be followed: nobody but root and the effective user can have put it there.
pub(crate) fn is_trusted_link(link: &Stat, directory: &Stat) -> bool {
    is_own_or_root(link.uid) && is_own_or_root(directory.uid) && directory.mode & 0o022 == 0
}

/// Whether `fs.protected_symlinks` keeps this process from following a link: in a sticky directory
/// that all may write, one is followed only if the follower or the owner of the directory owns it.
/// Root is no exception.
pub(crate) fn is_protected_link(link: &Stat, directory: &Stat) -> bool {
    const OTHERS_MAY_WRITE: u32 = 0o002;
    directory.is_sticky()
        && directory.mode & OTHERS_MAY_WRITE != 0
        && !is_own(link.uid)
        && !(link.uid == directory.uid && is_mapped(link.uid))
}

/// The answers to `chmod` that only say that it cannot be done here.
pub(crate) fn cannot_be_changed(errno: i32) -> bool {
    matches!(
        errno,
        sys::EPERM | sys::EACCES | sys::EROFS | sys::ENOSYS | sys::ENOTSUP | sys::EOVERFLOW
    )
}

/// Whether an errno says only that an owner, a group or an ACL cannot be read or set here: no right
/// to it, no call or no support for it, an id without a meaning in this user namespace (EINVAL), or
/// in this id-mapped mount (EOVERFLOW).
pub(crate) fn cannot_be_kept(errno: i32) -> bool {
    matches!(
        errno,
        sys::EPERM | sys::EACCES | sys::ENOTSUP | sys::ENOSYS | sys::EINVAL | sys::EOVERFLOW
    )
}

/// Who asks, for explaining a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: u32,
    pub(crate) groups: Vec<u32>,
}

impl Caller {
    /// The effective ids of this process.
    pub(crate) fn current() -> Self {
        let mut groups = sys::effective_groups();
        groups.push(sys::effective_group());
        Self {
            user: sys::effective_user(),
            groups,
        }
    }

    /// Whether the mode alone lets this caller read, without regard to privilege.
    pub(crate) fn may_read(&self, stat: &Stat) -> bool {
        let class = if stat.uid == self.user {
            0o400
        } else if self.groups.contains(&stat.gid) {
            0o040
        } else {
            0o004
        };
        stat.mode & class != 0
    }
}
