use super::*;
use crate::error::Os;
use crate::sys::{self, Stat};

fn acl(entries: &[(u16, u16)]) -> Acl {
    let mut stored = vec![2, 0, 0, 0];
    for (tag, permissions) in entries {
        stored.extend_from_slice(&tag.to_le_bytes());
        stored.extend_from_slice(&permissions.to_le_bytes());
        stored.extend_from_slice(&u32::MAX.to_le_bytes());
    }
    Acl::parse(stored)
}

fn stat(mode: u32, uid: u32, gid: u32) -> Stat {
    Stat {
        mode,
        uid,
        gid,
        ..Stat::default()
    }
}

#[test]
fn keeping_a_mode_never_widens_it() {
    let named = acl(&[(1, 6), (2, 6), (4, 0), (0x10, 6), (0x20, 0)]);
    let denied = acl(&[(1, 6), (2, 0), (4, 4), (0x10, 4), (0x20, 4)]);
    for (case, old, acl, keeps_acl, keeps_group, expected) in [
        ("nothing lost", 0o640, None, true, true, 0o640),
        ("an ACL kept", 0o660, Some(&named), true, true, 0o660),
        (
            "an ACL lost: the mask is not the group's right",
            0o660,
            Some(&named),
            false,
            true,
            0o600,
        ),
        (
            "an ACL lost that denied a user what others may",
            0o644,
            Some(&denied),
            false,
            true,
            0o600,
        ),
        ("a group lost", 0o640, None, true, false, 0o600),
        (
            "a group lost that had no more than others",
            0o644,
            None,
            true,
            false,
            0o644,
        ),
        (
            "a group lost that had less than others",
            0o604,
            None,
            true,
            false,
            0o600,
        ),
        (
            "a group lost that had more than others",
            0o664,
            None,
            true,
            false,
            0o644,
        ),
        (
            "an ACL kept but its group lost: the mask stays for the named",
            0o664,
            Some(&named),
            true,
            false,
            0o660,
        ),
    ] {
        assert_eq!(
            kept_bits(old, acl, keeps_acl, keeps_group),
            expected,
            "{case}"
        );
    }
}

#[test]
fn an_acl_for_another_group_gives_it_no_more_than_others_and_every_named_group_had() {
    for (case, old, expected) in [
        (
            "others had less",
            [(1, 7), (2, 6), (4, 5), (0x10, 7), (0x20, 4)],
            [(1, 7), (2, 6), (4, 4), (0x10, 7), (0x20, 4)],
        ),
        (
            "a named group was denied",
            [(1, 6), (4, 4), (8, 0), (0x10, 4), (0x20, 4)],
            [(1, 6), (4, 0), (8, 0), (0x10, 4), (0x20, 4)],
        ),
        (
            "a named group had less",
            [(1, 6), (4, 6), (8, 4), (0x10, 6), (0x20, 6)],
            [(1, 6), (4, 4), (8, 4), (0x10, 6), (0x20, 6)],
        ),
        (
            "a named user was denied",
            [(1, 6), (2, 0), (4, 4), (0x10, 4), (0x20, 4)],
            [(1, 6), (2, 0), (4, 4), (0x10, 4), (0x20, 4)],
        ),
        (
            "the old group had less than others within the mask",
            [(1, 6), (4, 6), (8, 6), (0x10, 4), (0x20, 6)],
            [(1, 6), (4, 4), (8, 6), (0x10, 4), (0x20, 4)],
        ),
    ] {
        assert_eq!(acl(&old).for_another_group(), acl(&expected), "{case}");
    }
}

#[test]
fn bits_of_an_acl_for_another_group_are_those_that_it_has() {
    let without_mask = acl(&[(1, 6), (4, 6), (0x20, 4)]);
    assert_eq!(kept_bits(0o664, Some(&without_mask), true, false), 0o644);
    let denied = acl(&[(1, 6), (4, 4), (8, 0), (0x10, 4), (0x20, 4)]);
    assert_eq!(kept_bits(0o644, Some(&denied), true, false), 0o644);
}

#[test]
fn an_acl_within_bits_grants_no_more_than_they_do() {
    for (case, old, most, expected) in [
        (
            "the mask and others are cut",
            &[(1, 6), (2, 6), (4, 6), (0x10, 6), (0x20, 6)][..],
            0o044,
            &[(1, 6), (2, 6), (4, 6), (0x10, 4), (0x20, 4)][..],
        ),
        (
            "without a mask, the group is cut",
            &[(1, 6), (4, 6), (0x20, 6)],
            0o044,
            &[(1, 6), (4, 4), (0x20, 4)],
        ),
        (
            "nothing exceeds the bits",
            &[(1, 6), (2, 6), (4, 4), (0x10, 4), (0x20, 4)],
            0o066,
            &[(1, 6), (2, 6), (4, 4), (0x10, 4), (0x20, 4)],
        ),
    ] {
        assert_eq!(acl(old).within(most), acl(expected), "{case}");
    }
}

#[test]
fn an_acl_that_is_not_understood_is_kept_as_a_whole_or_leaves_nothing_to_others() {
    let foreign = Acl::parse(vec![1, 0x2c, 0xc1, 0x6d, 0, 0, 0, 1]);
    assert!(foreign.is_known());
    assert!(!Acl::unknown().is_known());
    for (case, acl, keeps_acl, keeps_group, expected) in [
        ("kept", &foreign, true, true, 0o664),
        ("kept, but its group lost", &foreign, true, false, 0o644),
        ("lost", &foreign, false, true, 0o600),
        ("never read", &Acl::unknown(), false, true, 0o600),
    ] {
        let bits = kept_bits(0o664, Some(acl), keeps_acl, keeps_group);
        assert_eq!(bits, expected, "{case}");
    }
    assert_eq!(foreign.for_another_group(), foreign);
    assert_eq!(foreign.within(0), foreign);
}

#[test]
fn only_named_entries_make_an_acl_worth_keeping() {
    assert!(acl(&[(1, 7), (2, 7), (4, 5), (0x10, 7), (0x20, 0)]).has_named_entries());
    assert!(acl(&[(1, 7), (8, 7), (4, 5), (0x10, 7), (0x20, 0)]).has_named_entries());
    assert!(!acl(&[(1, 7), (4, 5), (0x20, 0)]).has_named_entries());
    assert!(Acl::parse(vec![9, 9]).has_named_entries());
}

#[test]
fn directories_that_others_share_by_design_are_exempt() {
    for (case, mode, gid, user, expected) in [
        ("a sticky directory others write", 0o1777, 0, 1000, true),
        (
            "a sticky directory only its owner writes",
            0o1755,
            0,
            1000,
            false,
        ),
        ("a volume's group, for root", 0o2775, 1000, 0, true),
        ("a volume's group, for its owner", 0o2775, 1000, 1000, false),
        ("setgid of root's own group", 0o2775, 0, 0, false),
        ("an ordinary directory", 0o755, 0, 0, false),
    ] {
        let found = exempt(&stat(mode, user, gid), user, 0).is_some();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_caller_reads_by_the_first_class_it_belongs_to() {
    let caller = Caller {
        user: 1000,
        groups: vec![1000],
    };
    for (case, mode, uid, gid, expected) in [
        ("owner", 0o400, 1000, 0, true),
        (
            "owner without the bit, though others have it",
            0o044,
            1000,
            0,
            false,
        ),
        ("group", 0o040, 0, 1000, true),
        ("group without the bit", 0o604, 0, 1000, false),
        ("others", 0o004, 0, 0, true),
        ("others without the bit", 0o640, 0, 0, false),
    ] {
        assert_eq!(caller.may_read(&stat(mode, uid, gid)), expected, "{case}");
    }
}

#[test]
fn bits_that_depend_on_owner_or_group_are_known() {
    for (bits, are_equal, exceeds, without) in [
        (0o600, true, false, 0o600),
        (0o644, true, false, 0o644),
        (0o755, true, false, 0o755),
        (0o640, false, true, 0o600),
        (0o664, false, true, 0o644),
        (0o604, false, false, 0o604),
        (0o705, false, false, 0o705),
        (0o044, false, false, 0o044),
        (0o751, false, true, 0o711),
        (0o000, true, false, 0o000),
    ] {
        assert_eq!(classes_are_equal(bits), are_equal, "{bits:o}");
        assert_eq!(group_exceeds_others(bits), exceeds, "{bits:o}");
        assert_eq!(without_group_excess(bits), without, "{bits:o}");
    }
}

#[test]
fn an_acl_that_cannot_be_read_is_unknown_and_not_none() {
    let failed = |errno| {
        Acl::read(Err(Os {
            errno,
            syscall: "getxattr",
        }))
    };
    for errno in [sys::ENOSYS, sys::EPERM, sys::EACCES, sys::EOVERFLOW] {
        let acl = failed(errno).unwrap().unwrap();
        assert!(!acl.is_known());
        assert!(acl.has_named_entries());
        assert_eq!(kept_bits(0o664, Some(&acl), false, true), 0o600);
    }
    assert_eq!(failed(sys::EIO).unwrap_err().errno, sys::EIO);
    assert_eq!(Acl::read(Ok(None)), Ok(None));
}
