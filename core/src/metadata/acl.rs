//! POSIX access ACLs: the meaning of an entry, and ACLs for a file whose owner or group changes.

use super::owner::cannot_be_kept;
use crate::error::Os;

/// One entry of a POSIX access ACL, as stored in the extended attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u16,
    permissions: u32,
}

/// A POSIX access ACL, stored and parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl {
    stored: Vec<u8>,
    entries: Vec<Entry>,
}

// Tags of acl(5), from linux/posix_acl.h.
const ACL_USER: u16 = 0x02;

const ACL_GROUP_OBJECT: u16 = 0x04;

const ACL_GROUP: u16 = 0x08;

pub(super) const ACL_MASK: u16 = 0x10;

const ACL_OTHER: u16 = 0x20;

impl Acl {
    /// Parses the format of linux/posix_acl_xattr.h: a version, then entries of tag, permissions
    /// and id, all little endian. An unknown format becomes an ACL without entries.
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

    /// Parses the result of reading an ACL. An ACL that cannot be read is unknown, which differs
    /// from none: the group bits may be its mask.
    ///
    /// # Errors
    ///
    /// Errors that do not concern the right or the means to read an ACL: an I/O error, no memory.
    pub(crate) fn read(value: Result<Option<Vec<u8>>, Os>) -> Result<Option<Self>, Os> {
        match value {
            Ok(stored) => Ok(stored.map(Self::parse)),
            Err(os) if cannot_be_kept(os.errno) => Ok(Some(Self::unknown())),
            Err(os) => Err(os),
        }
    }

    /// Returns an ACL that this process cannot read.
    pub(crate) fn unknown() -> Self {
        Self::parse(Vec::new())
    }

    /// Returns whether the ACL could be read.
    pub(crate) fn is_known(&self) -> bool {
        !self.stored.is_empty()
    }

    /// Returns whether the ACL could be parsed. One that could not is kept as a whole or not at
    /// all.
    pub(super) fn is_understood(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Returns the attribute's value.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// Returns the ACL for a file with another group.
    ///
    /// - `other::` keeps what the owning group has too: its members are others now.
    /// - `group::` keeps what others, the owning group and every named group have: members of the
    ///   new group may belong to each of them, and one group that grants a right is enough.
    /// - Named entries and the mask stay.
    pub(crate) fn for_another_group(&self) -> Self {
        let (group, others) = self.shared_for_another_group();
        self.map(|entry| match entry.tag {
            ACL_GROUP_OBJECT => group,
            ACL_OTHER => others,
            _ => entry.permissions,
        })
    }

    /// Returns the ACL after a `chmod` that removes the bits of group and others which `most`
    /// lacks. The mask, or without one `group::`, and `other::` lose them.
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

    /// Returns a copy whose entries have other permissions.
    fn map(&self, permissions: impl Fn(&Entry) -> u32) -> Self {
        let mut stored = self.stored.clone();
        let places = stored.get_mut(4..).unwrap_or_default();
        for (entry, place) in self.entries.iter().zip(places.chunks_exact_mut(8)) {
            place[2] = (permissions(entry) & 0o7) as u8;
        }
        Self::parse(stored)
    }

    /// Returns the permissions of `group::` and `other::` in [`Acl::for_another_group`].
    pub(super) fn shared_for_another_group(&self) -> (u32, u32) {
        let others = self.owning_group() & self.of_tag(ACL_OTHER).unwrap_or(0);
        let group = self
            .named()
            .filter(|entry| entry.tag == ACL_GROUP)
            .fold(others, |shared, entry| shared & entry.permissions);
        (group, others)
    }

    /// Returns whether the ACL grants anything to users or groups by name. `chmod` would zero their
    /// mask, and the entries would stay listed and grant nothing. True for an ACL that could not be
    /// parsed.
    pub(crate) fn has_named_entries(&self) -> bool {
        self.entries.is_empty() || self.named().next().is_some()
    }

    fn named(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.tag, ACL_USER | ACL_GROUP))
    }

    pub(super) fn of_tag(&self, tag: u16) -> Option<u32> {
        self.entries
            .iter()
            .find(|entry| entry.tag == tag)
            .map(|entry| entry.permissions)
    }

    /// Returns the permissions of the owning group: its own entry within the mask. The group bits
    /// of the mode are the mask itself.
    pub(super) fn owning_group(&self) -> u32 {
        let mask = self.of_tag(ACL_MASK).unwrap_or(0o7);
        self.of_tag(ACL_GROUP_OBJECT).unwrap_or(0) & mask
    }

    /// Returns the permissions common to all named entries: an upper bound for users who lose their
    /// entry.
    pub(super) fn shared_by_named(&self) -> u32 {
        let mask = self.of_tag(ACL_MASK).unwrap_or(0o7);
        self.named()
            .fold(0o7, |all, entry| all & entry.permissions & mask)
    }
}
