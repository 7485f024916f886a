//! Windows security descriptors in their self-relative form. They are parsed as bytes, so that no
//! content has to be trusted and the rules can be tested on every platform.

const CONTROL: usize = 2;
const OWNER: usize = 4;
const DACL: usize = 16;
const HEADER: usize = 20;

/// Bits of the control word.
const DACL_PRESENT: u16 = 0x0004;
const DACL_AUTO_INHERIT_REQUEST: u16 = 0x0100;
const DACL_AUTO_INHERITED: u16 = 0x0400;

/// Types of entries that allow access to one SID, and the flag of entries that apply only to
/// objects created in the directory.
const ACCESS_ALLOWED: u8 = 0;
const ACCESS_DENIED: u8 = 1;
const INHERIT_ONLY: u8 = 0x08;

/// `S-1-5-18`, the system itself.
const SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
/// `S-1-5-32-544`, the administrators, who can take ownership of everything anyway.
const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0];
/// `S-1-3-4`, the current owner of the object.
const OWNER_RIGHTS: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0];

/// A security descriptor as the system stores it.
#[derive(Clone, Copy)]
pub(super) struct SecurityDescriptor<'a>(pub(super) &'a [u8]);

impl<'a> SecurityDescriptor<'a> {
    /// Removes the bytes behind the last part that a descriptor refers to.
    pub(super) fn trimmed(mut stored: Vec<u8>) -> Vec<u8> {
        let descriptor = SecurityDescriptor(&stored);
        let end_of = |start: usize, part: Option<&[u8]>| start + part.map_or(0, <[u8]>::len);
        let owner = descriptor.number(OWNER).unwrap_or_default();
        let acl = descriptor.number(DACL).unwrap_or_default();
        let end = HEADER
            .max(end_of(owner, descriptor.owner()))
            .max(end_of(acl, descriptor.acl()));
        stored.truncate(end);
        stored
    }

    fn number(&self, at: usize) -> Option<usize> {
        let bytes = self.0.get(at..at + 4)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn control(&self) -> u16 {
        match self.0.get(CONTROL..CONTROL + 2) {
            Some(&[low, high]) => u16::from_le_bytes([low, high]),
            _ => 0,
        }
    }

    /// Returns the SID of the owner.
    pub(super) fn owner(&self) -> Option<&'a [u8]> {
        match self.number(OWNER)? {
            0 => None,
            at => sid_at(self.0, at),
        }
    }

    /// Returns the whole ACL; `None` where there is none, which grants everything to every user.
    pub(super) fn acl(&self) -> Option<&'a [u8]> {
        let at = self.number(DACL)?;
        if at == 0 || self.control() & DACL_PRESENT == 0 {
            return None;
        }
        let size = self.0.get(at + 2..at + 4)?;
        let size = usize::from(u16::from_le_bytes([size[0], size[1]]));
        self.0.get(at..at + size)
    }

    /// Returns the form for a call that sets it: with the flag that keeps inherited entries marked
    /// as inherited.
    pub(super) fn to_be_set(self) -> Vec<u8> {
        let mut stored = self.0.to_vec();
        let mut control = self.control();
        if control & DACL_AUTO_INHERITED != 0 {
            control |= DACL_AUTO_INHERIT_REQUEST;
        }
        if let Some(place) = stored.get_mut(CONTROL..CONTROL + 2) {
            place.copy_from_slice(&control.to_le_bytes());
        }
        stored
    }

    /// Returns whether owner and entries grant access only to this user, administrators and the
    /// system.
    pub(super) fn is_private_to(&self, user: &[u8]) -> bool {
        let is_trusted = |sid: &[u8]| sid == user || sid == SYSTEM || sid == ADMINISTRATORS;
        let Some(entries) = self.acl().and_then(entries) else {
            return false;
        };
        self.owner().is_some_and(is_trusted)
            && entries.iter().all(|entry| match entry.kind {
                _ if entry.flags & INHERIT_ONLY != 0 => true,
                ACCESS_DENIED => true,
                // The SID follows the mask.
                ACCESS_ALLOWED => {
                    sid_at(entry.body, 4).is_some_and(|sid| is_trusted(sid) || sid == OWNER_RIGHTS)
                }
                _ => false,
            })
    }
}

/// One entry of an ACL, without its header.
struct Entry<'a> {
    kind: u8,
    flags: u8,
    body: &'a [u8],
}

/// Returns the entries of an ACL; `None` if its sizes are inconsistent.
fn entries(acl: &[u8]) -> Option<Vec<Entry<'_>>> {
    let count = acl.get(4..6)?;
    let count = usize::from(u16::from_le_bytes([count[0], count[1]]));
    let mut rest = acl.get(8..)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let size = rest.get(2..4)?;
        let size = usize::from(u16::from_le_bytes([size[0], size[1]]));
        let (entry, others) = rest.split_at_checked(size)?;
        entries.push(Entry {
            kind: *entry.first()?,
            flags: *entry.get(1)?,
            body: entry.get(4..)?,
        });
        rest = others;
    }
    Some(entries)
}

/// Returns the SID at an offset.
pub(super) fn sid_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let parts = usize::from(*bytes.get(at + 1)?);
    bytes.get(at..at + 8 + parts * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 232, 3, 0, 0];
    const EVERYONE: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

    fn acl(entries: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, flags, sid) in entries {
            let size = u16::try_from(8 + sid.len()).unwrap();
            body.extend([*kind, *flags]);
            body.extend(size.to_le_bytes());
            body.extend([0xff, 1, 0x1f, 0]);
            body.extend_from_slice(sid);
        }
        let size = u16::try_from(8 + body.len()).unwrap();
        let count = u16::try_from(entries.len()).unwrap();
        let mut acl = vec![2, 0];
        acl.extend(size.to_le_bytes());
        acl.extend(count.to_le_bytes());
        acl.extend([0, 0]);
        acl.extend(body);
        acl
    }

    fn descriptor(control: u16, owner: &[u8], acl: Option<&[u8]>) -> Vec<u8> {
        let mut stored = vec![1, 0];
        stored.extend((control | 0x8000).to_le_bytes());
        let at = u32::try_from(HEADER + owner.len()).unwrap();
        for offset in [HEADER as u32, 0, 0, if acl.is_some() { at } else { 0 }] {
            stored.extend(offset.to_le_bytes());
        }
        stored.extend_from_slice(owner);
        stored.extend_from_slice(acl.unwrap_or_default());
        stored
    }

    #[test]
    fn a_directory_is_private_if_nobody_else_is_granted_anything() {
        for (case, owner, entries, expected) in [
            ("one's own alone", USER, vec![(0, 0, USER)], true),
            (
                "a profile's: the system and the administrators as well",
                USER,
                vec![(0, 3, SYSTEM), (0, 3, ADMINISTRATORS), (0, 3, USER)],
                true,
            ),
            (
                "one's own by way of ownership",
                USER,
                vec![(0, 0, OWNER_RIGHTS)],
                true,
            ),
            ("nobody's at all", USER, vec![], true),
            (
                "everyone is denied",
                USER,
                vec![(1, 0, EVERYONE), (0, 0, USER)],
                true,
            ),
            (
                "everyone is granted what is made in it",
                USER,
                vec![(0, 0x0b, EVERYONE), (0, 0, USER)],
                true,
            ),
            ("everyone", USER, vec![(0, 0, EVERYONE)], false),
            (
                "everyone, inherited",
                USER,
                vec![(0, 0x10, EVERYONE)],
                false,
            ),
            ("an entry of another kind", USER, vec![(9, 0, USER)], false),
            ("another's directory", EVERYONE, vec![(0, 0, USER)], false),
            (
                "an administrators' directory",
                ADMINISTRATORS,
                vec![(0, 0, USER)],
                true,
            ),
        ] {
            let stored = descriptor(DACL_PRESENT, owner, Some(&acl(&entries)));
            assert_eq!(
                SecurityDescriptor(&stored).is_private_to(USER),
                expected,
                "{case}"
            );
            for length in 0..stored.len() {
                let cut = &stored[..length];
                assert!(
                    !SecurityDescriptor(cut).is_private_to(USER),
                    "{case}, cut at {length}"
                );
            }
        }
        let open = descriptor(DACL_PRESENT, USER, None);
        assert!(
            !SecurityDescriptor(&open).is_private_to(USER),
            "no ACL at all"
        );
    }

    #[test]
    fn owner_and_acl_are_where_the_header_says() {
        let own = acl(&[(0, 0, USER)]);
        let stored = descriptor(DACL_PRESENT, USER, Some(&own));
        assert_eq!(SecurityDescriptor(&stored).owner(), Some(USER));
        assert_eq!(SecurityDescriptor(&stored).acl(), Some(own.as_slice()));
        let mut longer = stored.clone();
        longer.extend([0; 9]);
        assert_eq!(SecurityDescriptor::trimmed(longer), stored);
    }

    #[test]
    fn what_was_inherited_is_set_as_inherited() {
        let own = acl(&[(0, 0x10, USER)]);
        let inherited = descriptor(DACL_PRESENT | DACL_AUTO_INHERITED, USER, Some(&own));
        let control = SecurityDescriptor(&SecurityDescriptor(&inherited).to_be_set()).control();
        assert_eq!(
            control & DACL_AUTO_INHERIT_REQUEST,
            DACL_AUTO_INHERIT_REQUEST
        );
        let explicit = descriptor(DACL_PRESENT, USER, Some(&own));
        assert_eq!(SecurityDescriptor(&explicit).to_be_set(), explicit);
    }
}
