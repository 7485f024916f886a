//! Owners and groups: who owns an object, and which symlinks and errors depend on that.

use crate::sys::{self, Ids, Stat};

/// The id that represents every id a user namespace does not map (proc(5), overflowuid).
const OVERFLOW_ID: u32 = 65534;

/// Returns whether the effective user owns an object with this owner.
///
/// Where not every id is mapped, equality with the overflow id proves nothing.
pub(crate) fn is_own(uid: u32) -> bool {
    uid == sys::effective_user() && is_mapped(uid)
}

/// Returns whether a user id is mapped in this user namespace.
pub(crate) fn is_mapped(id: u32) -> bool {
    id != OVERFLOW_ID || sys::has_full_map(Ids::Users)
}

/// Returns the effective user, unless the overflow id stands for it: that id names another user
/// outside of the namespace.
pub(crate) fn effective_user() -> Option<u32> {
    Some(sys::effective_user()).filter(|id| is_mapped(*id))
}

/// Returns whether a group id is mapped in this user namespace.
pub(crate) fn is_mapped_group(id: u32) -> bool {
    id != OVERFLOW_ID || sys::has_full_map(Ids::Groups)
}

/// Returns whether two files have the same group, as far as ids prove it.
pub(crate) fn is_same_group(one: &Stat, other: &Stat) -> bool {
    one.gid == other.gid && is_mapped_group(one.gid)
}

/// Returns whether two files have the same owner, as far as ids prove it.
pub(crate) fn is_same_owner(one: &Stat, other: &Stat) -> bool {
    one.uid == other.uid && is_mapped(one.uid)
}

/// Returns whether the owner is the effective user, or root, who can read everything anyway.
pub(crate) fn is_own_or_root(uid: u32) -> bool {
    uid == 0 || is_own(uid)
}

/// Returns whether a symlink may be followed: only root or the effective user can have created it.
pub(crate) fn is_trusted_link(link: &Stat, directory: &Stat) -> bool {
    is_own_or_root(link.uid) && is_own_or_root(directory.uid) && directory.mode & 0o022 == 0
}

/// Returns whether `fs.protected_symlinks` forbids this process to follow a symlink. In a sticky,
/// world-writable directory a symlink is followed only if the follower or the owner of the
/// directory owns it. Root is no exception.
pub(crate) fn is_protected_link(link: &Stat, directory: &Stat) -> bool {
    const OTHERS_MAY_WRITE: u32 = 0o002;
    directory.is_sticky()
        && directory.mode & OTHERS_MAY_WRITE != 0
        && !is_own(link.uid)
        && !(link.uid == directory.uid && is_mapped(link.uid))
}

/// Returns whether an errno of `chmod` means only that the mode cannot be changed here.
pub(crate) fn cannot_be_changed(errno: i32) -> bool {
    matches!(
        errno,
        sys::EPERM | sys::EACCES | sys::EROFS | sys::ENOSYS | sys::ENOTSUP | sys::EOVERFLOW
    )
}

/// Returns whether an errno means only that an owner, a group or an ACL cannot be read or set here:
/// no permission, no such call, no support, an id without a mapping in this user namespace (EINVAL)
/// or in this id-mapped mount (EOVERFLOW).
pub(crate) fn cannot_be_kept(errno: i32) -> bool {
    matches!(
        errno,
        sys::EPERM | sys::EACCES | sys::ENOTSUP | sys::ENOSYS | sys::EINVAL | sys::EOVERFLOW
    )
}

/// The ids of the calling process, to explain a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: u32,
    pub(crate) groups: Vec<u32>,
}

impl Caller {
    /// Returns the effective ids of this process.
    pub(crate) fn current() -> Self {
        let mut groups = sys::effective_groups();
        groups.push(sys::effective_group());
        Self {
            user: sys::effective_user(),
            groups,
        }
    }

    /// Returns whether the mode alone lets this caller read, without regard to privilege.
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
