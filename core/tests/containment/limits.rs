//! Limits of the verbs: sizes, modes and long names.

use crate::call::{
    Caller, ENSURE, NEW, READ, ROOTED, Verb, WRITE, content_of, name_of, per_resolver,
};
use crate::fixture::Fixture;
use holdfast_core::ops::read::{self, Outbound};
use holdfast_core::ops::write::{self, Durable};
use holdfast_core::resolve::Root;
use holdfast_core::resolve::{Policy, Resolver};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

fn a_limit_is_inclusive_and_holds_against_size_and_growth(resolver: Resolver) {
    for (content, max_bytes, expected) in [
        ("", 0, "= "),
        ("a", 0, "too-large"),
        ("four", 4, "= four"),
        ("fives", 4, "too-large"),
        ("four", u64::MAX, "= four"),
    ] {
        let fixture = Fixture::new(&["root/", &format!("root/f: {content}")]);
        let caller = Caller::rooted(&fixture, resolver);
        let rules = read::Rules { max_bytes, ..READ };
        for policy in ROOTED {
            let got = caller.call(&Verb::Read(rules), policy, b"f");
            assert_eq!(
                got, expected,
                "{content:?} within {max_bytes}, {resolver:?}, {policy:?}"
            );
        }
    }
}

fn a_sparse_file_of_a_tebibyte_is_too_large_before_anything_is_read(resolver: Resolver) {
    let fixture = Fixture::new(&["root/", "root/f: x"]);
    let file = OpenOptions::new()
        .write(true)
        .open(fixture.at("root/f"))
        .unwrap();
    file.set_len(1 << 40).unwrap();
    let caller = Caller::rooted(&fixture, resolver);
    let rules = read::Rules {
        max_bytes: 16 << 20,
        ..READ
    };
    for policy in ROOTED {
        assert_eq!(caller.call(&Verb::Read(rules), policy, b"f"), "too-large");
    }
}

fn a_file_that_changes_after_it_was_opened_is_read_as_it_is_then(resolver: Resolver) {
    for (change, max_bytes, expected) in [
        ("grows", u64::MAX, "old and more"),
        ("grows over the limit", 4, "too-large"),
        ("shrinks", 4, "o"),
        ("is replaced", 4, "old"),
        ("is removed", 4, "old"),
    ] {
        let fixture = Fixture::new(&["root/", "root/f: old", "root/g: another"]);
        let caller = Caller::rooted(&fixture, resolver);
        let rules = read::Rules { max_bytes, ..READ };
        let file = read::open(&caller.scope(ROOTED[0]), b"f", &rules).unwrap();
        let at = fixture.at("root/f");
        match change {
            "shrinks" => OpenOptions::new()
                .write(true)
                .open(at)
                .unwrap()
                .set_len(1)
                .unwrap(),
            "is replaced" => fs::rename(fixture.at("root/g"), at).unwrap(),
            "is removed" => fs::remove_file(at).unwrap(),
            _ => OpenOptions::new()
                .append(true)
                .open(at)
                .unwrap()
                .write_all(b" and more")
                .unwrap(),
        }
        let got = match content_of(&file, max_bytes) {
            Ok(content) => String::from_utf8(content).unwrap(),
            Err(error) => name_of(&error),
        };
        assert_eq!(got, expected, "{change}, {resolver:?}");
    }
}

/// Large contents are read in parts.
fn a_large_file_comes_back_whole_also_when_it_changed_since_it_was_opened(resolver: Resolver) {
    const MIB: usize = 1 << 20;
    let pattern: Vec<u8> = (0..251).collect();
    let data_of = |length: usize| {
        let mut data = pattern.repeat(length / pattern.len() + 1);
        data.truncate(length);
        data
    };
    let fixture = Fixture::new(&["root/"]);
    let at = fixture.at("root/f");
    let caller = Caller::rooted(&fixture, resolver);
    for first in [4 * MIB, 6 * MIB + 1, 9 * MIB + 4095] {
        for then in [
            first,
            first - 1,
            first - 3 * MIB,
            first + 1,
            first + 5 * MIB,
        ] {
            for spare in [0, 1, 3 * MIB] {
                fs::write(&at, data_of(first)).unwrap();
                let file = read::open(&caller.scope(ROOTED[0]), b"f", &READ).unwrap();
                let expected = data_of(then);
                fs::write(&at, &expected).unwrap();
                // Parts end at multiples of 2 MiB in memory, so some end where the file did.
                let mut memory = vec![0; 2 * MIB + first + spare];
                let start = memory.as_ptr().align_offset(2 * MIB);
                let buf = &mut memory[start..][..first + spare];
                let told = format!("{first} bytes, then {then}, {spare} spare, {resolver:?}");
                let content = file.read(buf, u64::MAX).expect(&told);
                assert!(content.bytes(buf) == expected, "{told}");
            }
        }
    }
}

fn contents_of_every_length_around_a_page_come_back_as_they_were_written(resolver: Resolver) {
    let fixture = Fixture::new(&["root/"]);
    let caller = Caller::rooted(&fixture, resolver);
    for length in [0, 1, 4095, 4096, 4097, 100_000] {
        let data: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        let scope = caller.scope(ROOTED[0]);
        for durable in [Durable::No, Durable::File, Durable::Full] {
            let rules = write::Rules { durable, ..WRITE };
            let written = write::write(&scope, b"f", &data, &rules, &|| false).unwrap();
            assert_eq!(
                (written.size, written.durable),
                (u64::from(length), durable)
            );
            assert_eq!(crate::call::read_whole(&scope, b"f", &READ).unwrap(), data);
        }
    }
}

fn a_file_ends_with_the_mode_that_was_asked_for_or_that_it_had(resolver: Resolver) {
    for (case, before, mode, expected) in [
        ("new, and nothing asked", None, None, 0o644),
        ("new, with a mode", None, Some(0o600), 0o600),
        (
            "new, with a mode that a umask would take from",
            None,
            Some(0o666),
            0o666,
        ),
        ("kept", Some(0o640), None, 0o640),
        ("kept, however odd", Some(0o404), None, 0o404),
        ("kept without setuid", Some(0o4755), None, 0o755),
        ("kept without setgid and sticky", Some(0o3751), None, 0o751),
        ("widened on demand", Some(0o600), Some(0o644), 0o644),
        ("narrowed on demand", Some(0o666), Some(0o600), 0o600),
    ] {
        for policy in ROOTED {
            let fixture = Fixture::new(&["root/"]);
            let file = fixture.at("root/f");
            if let Some(mode) = before {
                fs::write(&file, "old").unwrap();
                crate::fixture::set_mode(&file, mode);
            }
            let caller = Caller::rooted(&fixture, resolver);
            let rules = write::Rules { mode, ..WRITE };
            let written =
                write::write(&caller.scope(policy), b"f", NEW.as_bytes(), &rules, &|| {
                    false
                });
            let told = format!("{case}, {resolver:?}, {policy:?}");
            let written = written.expect(&told);
            let stat = fs::metadata(&file).unwrap();
            assert_eq!(stat.mode() & 0o7777, expected, "{told}");
            assert_eq!(
                (written.mode, written.ino, written.dev),
                (expected, stat.ino(), stat.dev()),
                "{told}"
            );
        }
    }
}

fn a_file_goes_to_another_party_only_if_group_and_others_may_read_it(resolver: Resolver) {
    const REFUSED: &str = "OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE";
    for (mode, outbound, expected) in [
        ("0600", Outbound::Shared, REFUSED),
        ("0640", Outbound::Shared, REFUSED),
        ("0604", Outbound::Shared, REFUSED),
        ("0644", Outbound::Shared, "= in"),
        ("0600", Outbound::OwnerOnlyAllowed, "= in"),
        ("0600", Outbound::No, "= in"),
    ] {
        let fixture = Fixture::new(&["root/", &format!("root/f {mode}: in")]);
        let caller = Caller::rooted(&fixture, resolver);
        let rules = read::Rules { outbound, ..READ };
        for policy in ROOTED {
            let got = caller.call(&Verb::Read(rules), policy, b"f");
            assert_eq!(
                got, expected,
                "{mode}, {outbound:?}, {resolver:?}, {policy:?}"
            );
        }
    }
}

fn a_name_of_255_bytes_works_and_one_of_256_leaves_nothing_half_made(resolver: Resolver) {
    for policy in ROOTED {
        let fixture = Fixture::new(&["root/"]);
        let caller = Caller::rooted(&fixture, resolver);
        let (long, longer) = ("n".repeat(255), "n".repeat(256));
        let told = format!("{resolver:?}, {policy:?}");
        let mkdir = write::Rules {
            make_parents: Some(0o700),
            ..WRITE
        };
        let before = fixture.tree();
        for (verb, at) in [
            (Verb::Read(READ), longer.clone()),
            (Verb::Write(WRITE), longer.clone()),
            (Verb::Write(mkdir), format!("new/{longer}")),
            (Verb::Write(mkdir), format!("new/{longer}/f")),
            (Verb::Ensure(ENSURE), longer.clone()),
            (Verb::Ensure(ENSURE), format!("new/{longer}/x")),
        ] {
            assert_eq!(
                caller.call(&verb, policy, at.as_bytes()),
                "ENAMETOOLONG",
                "{told}"
            );
            assert_eq!(fixture.tree(), before, "{told}");
        }
        assert_eq!(
            caller.call(&Verb::Write(WRITE), policy, long.as_bytes()),
            format!("+ {long}")
        );
        assert_eq!(
            caller.call(&Verb::Read(READ), policy, long.as_bytes()),
            format!("= {NEW}")
        );
        let dir = format!("d/{long}");
        assert_eq!(
            caller.call(&Verb::Ensure(ENSURE), policy, dir.as_bytes()),
            format!("/ {dir}")
        );
    }
}

/// Returns a path of nested directories with names of 200 bytes.
fn deep(levels: usize) -> String {
    vec!["n".repeat(200); levels].join("/")
}

fn a_path_is_as_long_as_the_system_takes_it_whoever_goes_it(resolver: Resolver) {
    let fixture = Fixture::new(&["root/f: in", "root/d/"]);
    let caller = Caller::rooted(&fixture, resolver);
    // The object exists, but its path from the root is too long.
    let half = fixture.text(&format!("root/{}", deep(15)));
    fs::create_dir_all(&half).unwrap();
    let below = Root::open(half.as_bytes()).unwrap();
    let below = Caller {
        root: Some(Arc::new(below)),
        ..Caller::rooted(&fixture, resolver)
    };
    let mkdir = write::Rules {
        make_parents: Some(0o755),
        ..WRITE
    };
    for policy in ROOTED {
        let told = format!("{resolver:?}, {policy:?}");
        let at = format!("{}/f", deep(15));
        let written = below.call(&Verb::Write(mkdir), policy, at.as_bytes());
        assert!(written.ends_with("/f"), "{written}, {told}");
        let read = below.call(&Verb::Read(READ), policy, at.as_bytes());
        assert_eq!(read, format!("= {NEW}"), "{told}");
        let before = fixture.tree_of("root/d");
        for (verb, at) in [
            (Verb::Read(READ), format!("{}/f", deep(30))),
            (Verb::Write(WRITE), format!("{}/f", deep(30))),
            // The path of its directory is short enough.
            (Verb::Write(WRITE), format!("{}/{}", deep(19), deep(2))),
            (Verb::Write(mkdir), format!("d/{}/f", deep(30))),
            (Verb::Ensure(ENSURE), deep(30)),
            (Verb::Ensure(ENSURE), format!("d/{}", deep(30))),
        ] {
            let got = caller.call(&verb, policy, at.as_bytes());
            assert_eq!(got, "ENAMETOOLONG", "{told}, {verb:?}, {}", at.len());
        }
        assert_eq!(fixture.tree_of("root/d"), before, "{told}");
        // Under `reject` the limit applies to the normalised text.
        for (bytes, expected) in [(4095, "= in"), (4096, "ENAMETOOLONG")] {
            let mut at = "d/../".repeat(bytes / 5 - 1);
            at += &"./".repeat((bytes - at.len() - 1) / 2);
            at += if (bytes - at.len()) == 1 { "f" } else { "/f" };
            assert_eq!(at.len(), bytes);
            let got = caller.call(&Verb::Read(READ), policy, at.as_bytes());
            let is_by_text = policy == Policy::Reject;
            assert_eq!(got, if is_by_text { "= in" } else { expected }, "{told}");
        }
    }
}

fn forty_links_are_followed_and_one_more_is_too_many(resolver: Resolver) {
    let links: Vec<String> = (1..=41)
        .map(|number| match number {
            1 => "root/to-1 => d".to_owned(),
            _ => format!("root/to-{number} => to-{}", number - 1),
        })
        .collect();
    let mut layout = vec!["root/d/f: in"];
    layout.extend(links.iter().map(String::as_str));
    for policy in ROOTED {
        let fixture = Fixture::new(&layout);
        let caller = Caller::rooted(&fixture, resolver);
        let told = format!("{resolver:?}, {policy:?}");
        for (verb, below, followed) in [
            (Verb::Read(READ), "/f", "= in"),
            (Verb::Write(WRITE), "/new", "+ d/new"),
            (Verb::Ensure(ENSURE), "/made", "/ d/made"),
        ] {
            for (links, is_followed) in [(41, false), (40, true)] {
                let is_followed = is_followed && policy != Policy::Reject;
                let at = format!("to-{links}{below}");
                let got = caller.call(&verb, policy, at.as_bytes());
                let expected = if is_followed { followed } else { "symlink" };
                assert_eq!(got, expected, "{told}, {at}");
            }
        }
    }
}

per_resolver! {
    a_limit_is_inclusive_and_holds_against_size_and_growth,
    a_sparse_file_of_a_tebibyte_is_too_large_before_anything_is_read,
    a_file_that_changes_after_it_was_opened_is_read_as_it_is_then,
    a_large_file_comes_back_whole_also_when_it_changed_since_it_was_opened,
    contents_of_every_length_around_a_page_come_back_as_they_were_written,
    a_file_ends_with_the_mode_that_was_asked_for_or_that_it_had,
    a_file_goes_to_another_party_only_if_group_and_others_may_read_it,
    a_name_of_255_bytes_works_and_one_of_256_leaves_nothing_half_made,
    a_path_is_as_long_as_the_system_takes_it_whoever_goes_it,
    forty_links_are_followed_and_one_more_is_too_many,
}
