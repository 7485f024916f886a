//! Permission bits: what a mode grants, and the bits that a file keeps when another replaces it.

use super::acl::{ACL_MASK, Acl};
use super::owner::is_own_or_root;
use crate::sys::Stat;

/// Permission bits of group and others.
pub(crate) const SHARED_BITS: u32 = 0o077;

const SET_GROUP_ID: u32 = 0o2000;

const STICKY: u32 = 0o1000;

/// Returns whether a user other than root and the effective one may rename names in this directory.
/// The group bits are the mask of an ACL, so they show its grants too.
pub(crate) fn others_may_rename_in(directory: &Stat) -> bool {
    let may_others_write = directory.mode & 0o022 != 0 && directory.mode & STICKY == 0;
    may_others_write || !is_own_or_root(directory.uid)
}

/// Why a directory keeps a mode that grants more than requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exempt {
    /// Others share it by design: sticky and writable, or a volume's group for root.
    Shared,
}

/// Returns whether a directory is shared by design, so that removing bits would lock others out.
///
/// For effective user 0 that includes a setgid directory of another group: root does not need the
/// bits, but the group of the volume does.
pub(crate) fn exempt(stat: &Stat, effective_user: u32, effective_group: u32) -> Option<Exempt> {
    let others_use_it = stat.mode & STICKY != 0 && stat.mode & 0o022 != 0;
    let is_volume =
        effective_user == 0 && stat.mode & SET_GROUP_ID != 0 && stat.gid != effective_group;
    (others_use_it || is_volume).then_some(Exempt::Shared)
}

/// Returns the permission bits for a file that replaces another, so that no user gains access.
///
/// - Everything kept: the old bits (with an ACL, its mask shows as the group bits).
/// - An unparsed ACL lost: only the owner keeps permissions.
/// - A parsed ACL lost: the group gets the permissions of the owning group's entry, not the mask.
///   Users and groups named in the ACL now count as group or others, so both are cut to what each
///   named entry had.
/// - The group lost: the new group's members were others before, and the old group's members are
///   others now, so both are cut to what the two classes had in common. With an ACL kept, its
///   entries are cut ([`Acl::for_another_group`]), and the mask stays.
pub(crate) fn kept_bits(old: u32, acl: Option<&Acl>, keeps_acl: bool, keeps_group: bool) -> u32 {
    let owner = old & 0o700;
    let (mut group, mut others) = ((old >> 3) & 0o7, old & 0o7);
    if let Some(acl) = acl.filter(|acl| !acl.is_understood()) {
        // The denials of the ACL are unknown, as is whether the group bits were its mask.
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

/// Returns whether the bits give group and others the same, and the owner at least that. Such bits
/// grant no more while a file has another owner or group than its final one.
pub(crate) fn classes_are_equal(bits: u32) -> bool {
    let (owner, group, others) = (bits >> 6 & 0o7, bits >> 3 & 0o7, bits & 0o7);
    group == others && others & !owner == 0
}

/// Returns whether the group has permissions that others lack.
///
/// The group bits are the mask of an ACL. Where others have them all, no named entry grants more
/// than the bits show.
pub(crate) fn group_exceeds_others(bits: u32) -> bool {
    (bits >> 3) & !bits & 0o7 != 0
}

/// Returns the bits for a file that may have an unknown ACL.
pub(crate) fn without_group_excess(bits: u32) -> u32 {
    bits & 0o707 | bits & (bits & 0o7) << 3
}
