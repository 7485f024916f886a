//! Special files: refused at once, and not a byte of them read.

use crate::call::{Caller, ENSURE, FREE, READ, ROOTED, Verb, WRITE, per_resolver};
use crate::fixture::Fixture;
use crate::table::changes;
use holdfast_core::ops::read::Rules;
use holdfast_core::resolve::{Policy, Resolver};
use std::time::{Duration, Instant};

const LAYOUT: &[&str] = &[
    "root/",
    "root/fifo |",
    "root/sock @",
    "root/empty/",
    "root/full/f: in",
    "root/lfifo => fifo",
    "root/zero => /dev/zero",
    "root/shell => /proc/self/root",
];

/// Time limit of a call: no verb waits for the object at the end of a path.
const AT_ONCE: Duration = Duration::from_secs(2);

fn each_rooted(resolver: Resolver, act: impl Fn(&Caller<'_>, Policy)) {
    for policy in ROOTED {
        let fixture = Fixture::new(LAYOUT);
        let before = fixture.tree();
        act(&Caller::rooted(&fixture, resolver), policy);
        let told = format!("{resolver:?}, {policy:?}");
        assert_eq!(
            changes(&told, &before, &fixture.tree(), None),
            Vec::<String>::new()
        );
    }
}

fn fifos_sockets_and_directories_are_refused_by_every_verb_and_stay(resolver: Resolver) {
    each_rooted(resolver, |caller, policy| {
        for (name, read, write, ensure) in [
            ("fifo", "not-file", "not-file", "not-directory"),
            ("sock", "not-file", "not-file", "not-directory"),
            ("empty", "not-file", "not-file", "/ empty"),
            ("full", "not-file", "not-file", "/ full"),
            ("fifo/x", "not-found", "not-directory", "not-directory"),
            ("fifo/", "not-file", "not-file", "not-directory"),
        ] {
            let began = Instant::now();
            let leave = holdfast_core::ops::ensure_dir::Rules {
                existing: holdfast_core::ops::ensure_dir::Existing::Leave,
                ..ENSURE
            };
            let told = format!("{name}, {:?}, {policy:?}", caller.resolver);
            let at = name.as_bytes();
            assert_eq!(caller.call(&Verb::Read(READ), policy, at), read, "{told}");
            assert_eq!(
                caller.call(&Verb::Write(WRITE), policy, at),
                write,
                "{told}"
            );
            assert_eq!(
                caller.call(&Verb::Ensure(leave), policy, at),
                ensure,
                "{told}"
            );
            assert!(began.elapsed() < AT_ONCE, "{told}");
        }
    });
}

fn a_link_to_a_fifo_or_a_device_is_refused_as_a_link_or_as_what_it_leads_to(resolver: Resolver) {
    each_rooted(resolver, |caller, policy| {
        let follows = matches!(policy, Policy::FollowWithinRoot | Policy::FollowTrusted);
        for (name, refused) in [("lfifo", "not-file"), ("zero", "outside-workspace")] {
            let expected = if follows { refused } else { "symlink" };
            let got = caller.call(&Verb::Read(READ), policy, name.as_bytes());
            assert_eq!(got, expected, "{name}, {:?}, {policy:?}", caller.resolver);
        }
    });
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::free(&fixture, resolver);
    let at = fixture.text("root/zero");
    let got = caller.call(&Verb::Read(READ), Policy::FollowTrusted, at.as_bytes());
    assert_eq!(got, "device-path", "{resolver:?}");
}

fn devices_magic_links_and_pseudo_files_are_refused_by_name_or_by_what_they_are(
    resolver: Resolver,
) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::free(&fixture, resolver);
    for at in [
        "/dev/zero",
        "/dev/tty",
        "/dev/stdin",
        "/dev/fd/0",
        "/dev/./null",
        "//dev//full",
        "/proc/self/fd/0",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/Cargo.toml",
        "/proc/self/exe",
        "/proc/self/environ",
        "/proc/sys/kernel/ostype",
        "/proc/1/../self/status",
        "/sys/kernel/notes",
    ] {
        for policy in [Policy::Reject, Policy::FollowParents] {
            let got = caller.call(&Verb::Read(READ), policy, at.as_bytes());
            // `/dev/fd` and `/proc/self` are symlinks themselves.
            let is_refused = got == "device-path" || policy == Policy::Reject && got == "symlink";
            assert!(is_refused, "{at}, {resolver:?}, {policy:?}: {got}");
        }
    }
    let rules = Rules {
        allow_pseudo: true,
        ..READ
    };
    let got = caller.call(
        &Verb::Read(rules),
        Policy::Reject,
        b"/proc/sys/kernel/ostype",
    );
    assert_eq!(got, "= Linux\n", "{resolver:?}");
}

fn a_magic_link_on_the_way_is_no_way_out_of_a_root(resolver: Resolver) {
    each_rooted(resolver, |caller, policy| {
        let got = caller.call(&Verb::Read(READ), policy, b"shell/etc/passwd");
        let expected = if policy == Policy::Reject {
            "symlink"
        } else {
            "outside-workspace"
        };
        assert_eq!(got, expected, "{:?}, {policy:?}", caller.resolver);
    });
}

fn a_magic_link_on_the_way_is_no_way_without_a_root_either(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::free(&fixture, resolver);
    for at in [
        fixture.text("root/shell/etc/passwd"),
        "/proc/self/root/tmp/new".to_owned(),
        "/proc/self/cwd/new".to_owned(),
        "/proc/thread-self/root/tmp".to_owned(),
        "/proc/self/fd/0".to_owned(),
    ] {
        for policy in FREE {
            for verb in [Verb::Read(READ), Verb::Write(WRITE), Verb::Ensure(ENSURE)] {
                let got = caller.call(&verb, policy, at.as_bytes());
                let told = format!("{at}, {verb:?}, {resolver:?}, {policy:?}");
                assert!(matches!(&*got, "symlink" | "device-path"), "{told}: {got}");
            }
        }
    }
    // An ordinary symlink there is followed like any other.
    let rules = Rules {
        allow_pseudo: true,
        ..READ
    };
    let at = b"/proc/self/comm";
    let got = caller.call(&Verb::Read(rules), Policy::FollowParents, at);
    assert!(got.starts_with("= "), "{resolver:?}: {got}");
}

per_resolver! {
    fifos_sockets_and_directories_are_refused_by_every_verb_and_stay,
    a_link_to_a_fifo_or_a_device_is_refused_as_a_link_or_as_what_it_leads_to,
    devices_magic_links_and_pseudo_files_are_refused_by_name_or_by_what_they_are,
    a_magic_link_on_the_way_is_no_way_out_of_a_root,
    a_magic_link_on_the_way_is_no_way_without_a_root_either,
}
