//! Tests which symlinks `follow-trusted` follows: those that only root or the effective user can
//! have created.

use crate::call::{Caller, ENSURE, READ, Verb, WRITE, per_resolver};
use crate::fixture::{Fixture, set_mode};
use holdfast_core::ops::ensure_dir;
use holdfast_core::resolve::{Policy, Resolver};
use nix::unistd::geteuid;
use std::os::unix::fs::lchown;

/// A user id that is neither root's nor, on any known machine, that of the test user.
const STRANGER: u32 = 54_321;

struct Case {
    sentence: &'static str,
    mode: u32,
    owner_of_link: Option<u32>,
    owner_of_dir: Option<u32>,
    is_trusted: bool,
}

const fn case(sentence: &'static str, mode: u32, is_trusted: bool) -> Case {
    Case {
        sentence,
        mode,
        owner_of_link: None,
        owner_of_dir: None,
        is_trusted,
    }
}

const CASES: [Case; 8] = [
    case("our own link in our own directory", 0o755, true),
    case("in a private directory", 0o700, true),
    case("in a directory its group may write", 0o775, false),
    case("in a directory others may write", 0o757, false),
    case("in a sticky directory others may write", 0o1777, false),
    Case {
        owner_of_link: Some(STRANGER),
        ..case("a stranger's link in our own directory", 0o755, false)
    },
    Case {
        owner_of_dir: Some(STRANGER),
        ..case("our own link in a stranger's directory", 0o755, false)
    },
    Case {
        owner_of_link: Some(STRANGER),
        owner_of_dir: Some(STRANGER),
        ..case(
            "a stranger's link in the stranger's directory",
            0o755,
            false,
        )
    },
];

const LAYOUT: &[&str] = &[
    "root/",
    "root/d/g: in",
    "root/links/",
    "root/links/dir => ../d",
    "root/links/file => ../d/g",
    "root/first => links/dir",
];

fn a_link_is_followed_if_nobody_else_can_have_put_it_there(resolver: Resolver) {
    let is_root = geteuid().is_root();
    for case in CASES {
        if !is_root && (case.owner_of_link.is_some() || case.owner_of_dir.is_some()) {
            println!("skipped, only root can give files away: {}", case.sentence);
            continue;
        }
        for is_rooted in [true, false] {
            check(&case, resolver, is_rooted);
        }
    }
}

fn check(case: &Case, resolver: Resolver, is_rooted: bool) {
    let leave = ensure_dir::Rules {
        existing: ensure_dir::Existing::Leave,
        ..ENSURE
    };
    for (verb, at, expected) in [
        (Verb::Read(READ), "links/file", "= in"),
        (Verb::Read(READ), "links/dir/g", "= in"),
        (Verb::Read(READ), "first/g", "= in"),
        (Verb::Write(WRITE), "links/dir/g", "> d/g"),
        (Verb::Ensure(leave), "links/dir", "/ d"),
        (Verb::Ensure(leave), "links/dir/new", "/ d/new"),
        // A path without symlinks needs no trust.
        (Verb::Read(READ), "links/../d/g", "= in"),
    ] {
        let fixture = Fixture::new(LAYOUT);
        for link in ["root/links/dir", "root/links/file"] {
            lchown(fixture.at(link), case.owner_of_link, None).unwrap();
        }
        lchown(fixture.at("root/links"), case.owner_of_dir, None).unwrap();
        set_mode(&fixture.at("root/links"), case.mode);
        let caller = Caller::new(&fixture, resolver, is_rooted);
        let text = if is_rooted {
            at.to_owned()
        } else {
            fixture.text(&format!("root/{at}"))
        };
        let got = caller.call(&verb, Policy::FollowTrusted, text.as_bytes());
        let is_about_trust = !at.contains("..");
        let expected = if case.is_trusted || !is_about_trust {
            expected
        } else {
            "symlink"
        };
        let told = format!("{}: {at}, {resolver:?}, rooted: {is_rooted}", case.sentence);
        assert_eq!(got, expected, "{told}");
    }
}

per_resolver! {
    a_link_is_followed_if_nobody_else_can_have_put_it_there,
}
