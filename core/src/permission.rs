//! Modes, ACLs and ownership: decisions as pure functions. The system calls are elsewhere.

use crate::error::Os;
use crate::sys::{self, Ids, Stat};

/// Permission bits of group and others.
pub(crate) const SHARED_BITS: u32 = 0o077;
const SET_GROUP_ID: u32 = 0o2000;
const STICKY: u32 = 0o1000;

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

/// Whether a user other than root and the effective one may rename names in this directory. The
/// group bits are the mask of an ACL, so they show its grants too.
pub(crate) fn others_may_rename_in(directory: &Stat) -> bool {
    let may_others_write = directory.mode & 0o022 != 0 && directory.mode & STICKY == 0;
    may_others_write || !is_own_or_root(directory.uid)
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

/// Why a directory stays as it is although its mode grants more than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exempt {
    /// Others share it by design: sticky and writable, or a volume's group for root.
    Shared,
}

/// Whether a directory is shared by design, so that removing bits would lock others out.
///
/// For an effective user 0 that includes a setgid directory of another group: root does not need
/// the bits, and the group of the volume does.
pub(crate) fn exempt(stat: &Stat, effective_user: u32, effective_group: u32) -> Option<Exempt> {
    let others_use_it = stat.mode & STICKY != 0 && stat.mode & 0o022 != 0;
    let is_volume =
        effective_user == 0 && stat.mode & SET_GROUP_ID != 0 && stat.gid != effective_group;
    (others_use_it || is_volume).then_some(Exempt::Shared)
}

/// One entry of a POSIX access ACL, as stored in the extended attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u16,
    permissions: u32,
}

/// A POSIX access ACL: as stored, and as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl {
    stored: Vec<u8>,
    entries: Vec<Entry>,
}

// Tags of acl(5), from linux/posix_acl.h.
const ACL_USER: u16 = 0x02;
const ACL_GROUP_OBJECT: u16 = 0x04;
const ACL_GROUP: u16 = 0x08;
const ACL_MASK: u16 = 0x10;
const ACL_OTHER: u16 = 0x20;

impl Acl {
    /// Reads the format of linux/posix_acl_xattr.h: a version, then entries of tag, permissions
    /// and id, all little endian. What is not understood counts as an ACL with no entries.
    pub(crate) fn parse(stored: Vec<u8>) -> Self {
        let entries = match stored.split_at_checked(4) {
            Some(([2, 0, 0, 0], rest)) => rest
                .chunks_exact(8)
                .map(|entry| Entry {
                    tag: u16::from_le_bytes([entry[0], entry[1]]),
                    permissions: u32::from(u16::from_le_bytes([entry[2], entry[3]])) & 0o7,
                })
                .collect(),
            _ => Vec::new(),
        };
        Self { stored, entries }
    }

    /// Parses what a read of an ACL returned. One that cannot be read is unknown, which is not the
    /// same as none: whoever changes a mode must not assume that the group bits are the group's.
    ///
    /// # Errors
    ///
    /// What says nothing about the right or the way to read it: an I/O error, no memory.
    pub(crate) fn read(value: Result<Option<Vec<u8>>, Os>) -> Result<Option<Self>, Os> {
        match value {
            Ok(stored) => Ok(stored.map(Self::parse)),
            Err(os) if cannot_be_kept(os.errno) => Ok(Some(Self::unknown())),
            Err(os) => Err(os),
        }
    }

    /// One that this process cannot read.
    pub(crate) fn unknown() -> Self {
        Self::parse(Vec::new())
    }

    /// Whether it could be read.
    pub(crate) fn is_known(&self) -> bool {
        !self.stored.is_empty()
    }

    /// Whether it is understood here. What is not can be kept as a whole, or not at all.
    fn is_understood(&self) -> bool {
        !self.entries.is_empty()
    }

    /// The attribute's value.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// The ACL for a file that has another group than this one's.
    ///
    /// - `other::` keeps what the owning group has too: its members count as others now.
    /// - `group::` keeps what others, the owning group and every named group have: members of the
    ///   new group may be in each of them, and one group that grants a right is enough for it.
    /// - Named entries and the mask stay.
    pub(crate) fn for_another_group(&self) -> Self {
        let (group, others) = self.shared_for_another_group();
        self.map(|entry| match entry.tag {
            ACL_GROUP_OBJECT => group,
            ACL_OTHER => others,
            _ => entry.permissions,
        })
    }

    /// The ACL as `chmod` leaves it that removes the group's and others' bits which `most` lacks:
    /// the mask, or without one `group::`, and `other::` lose them.
    pub(crate) fn within(&self, most: u32) -> Self {
        let group_tag = match self.of_tag(ACL_MASK) {
            Some(_) => ACL_MASK,
            None => ACL_GROUP_OBJECT,
        };
        self.map(|entry| match entry.tag {
            ACL_OTHER => entry.permissions & most,
            tag if tag == group_tag => entry.permissions & most >> 3,
            _ => entry.permissions,
        })
    }

    /// A copy whose entries have other permissions.
    fn map(&self, permissions: impl Fn(&Entry) -> u32) -> Self {
        let mut stored = self.stored.clone();
        let places = stored.get_mut(4..).unwrap_or_default();
        for (entry, place) in self.entries.iter().zip(places.chunks_exact_mut(8)) {
            place[2] = (permissions(entry) & 0o7) as u8;
        }
        Self::parse(stored)
    }

    /// What `group::` and `other::` are in [`Acl::for_another_group`].
    fn shared_for_another_group(&self) -> (u32, u32) {
        let others = self.owning_group() & self.of_tag(ACL_OTHER).unwrap_or(0);
        let group = self
            .named()
            .filter(|entry| entry.tag == ACL_GROUP)
            .fold(others, |shared, entry| shared & entry.permissions);
        (group, others)
    }

    /// Whether it grants anything to users or groups by name. `chmod` would zero their mask, and
    /// the entries would stay listed and grant nothing. An ACL that was not understood may.
    pub(crate) fn has_named_entries(&self) -> bool {
        self.entries.is_empty() || self.named().next().is_some()
    }

    fn named(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.tag, ACL_USER | ACL_GROUP))
    }

    fn of_tag(&self, tag: u16) -> Option<u32> {
        self.entries
            .iter()
            .find(|entry| entry.tag == tag)
            .map(|entry| entry.permissions)
    }

    /// What the owning group has: its own entry within the mask. The group bits of the mode are
    /// the mask itself.
    fn owning_group(&self) -> u32 {
        let mask = self.of_tag(ACL_MASK).unwrap_or(0o7);
        self.of_tag(ACL_GROUP_OBJECT).unwrap_or(0) & mask
    }

    /// What every named entry has: an upper bound for those who lose their entry.
    fn shared_by_named(&self) -> u32 {
        let mask = self.of_tag(ACL_MASK).unwrap_or(0o7);
        self.named()
            .fold(0o7, |all, entry| all & entry.permissions & mask)
    }
}

/// The permission bits for a file that replaces another, so that nobody gains access by it.
///
/// - Everything kept: the old bits (with an ACL, its mask shows as the group bits).
/// - An ACL lost that is not understood: the owner alone keeps anything.
/// - The ACL lost: the group gets what the owning group itself had, not the mask. Whoever had an
///   entry by name now falls to the group or to others, so both are cut to what each had.
/// - The group lost: the new group's members were others before, and the old group's members are
///   others now, so both are cut to what the two classes had in common; with an ACL kept, in its
///   entries ([`Acl::for_another_group`]), and the mask stays.
pub(crate) fn kept_bits(old: u32, acl: Option<&Acl>, keeps_acl: bool, keeps_group: bool) -> u32 {
    let owner = old & 0o700;
    let (mut group, mut others) = ((old >> 3) & 0o7, old & 0o7);
    if let Some(acl) = acl.filter(|acl| !acl.is_understood()) {
        // Nobody knows whom it denied what, nor whether the group bits were its mask.
        if !keeps_acl || !acl.is_known() {
            return owner;
        }
    } else if let Some(acl) = acl {
        if keeps_acl && keeps_group {
            return old & 0o777;
        }
        if keeps_acl {
            let (group, others) = acl.shared_for_another_group();
            let group_bits = acl.of_tag(ACL_MASK).unwrap_or(group);
            return owner | group_bits << 3 | others;
        }
        group = acl.owning_group() & acl.shared_by_named();
        others &= acl.shared_by_named();
    }
    if !keeps_group {
        let common = group & others;
        (group, others) = (common, common);
    }
    owner | group << 3 | others
}

/// Whether these bits give the group, the others and (at least) the owner the same, so that they
/// grant no more while a file has another owner or group than it is to have.
pub(crate) fn classes_are_equal(bits: u32) -> bool {
    let (owner, group, others) = (bits >> 6 & 0o7, bits >> 3 & 0o7, bits & 0o7);
    group == others && others & !owner == 0
}

/// Whether the group has what others do not have.
///
/// The group bits are the mask of an ACL. Where others have them all, no named entry grants more
/// than the bits show.
pub(crate) fn group_exceeds_others(bits: u32) -> bool {
    (bits >> 3) & !bits & 0o7 != 0
}

/// The bits for a file that may have an ACL of which nothing is known.
pub(crate) fn without_group_excess(bits: u32) -> u32 {
    bits & 0o707 | bits & (bits & 0o7) << 3
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

#[cfg(test)]
#[path = "permission_tests.rs"]
mod tests;
