//! How `ensure_dir` resolves paths, and how it changes modes.

use crate::call::{Caller, ENSURE, FREE, ROOTED, Verb, per_resolver};
use crate::fixture::{Fixture, set_mode};
use crate::table::{Row, changes, check};
use holdfast_core::ops::ensure_dir::{
    Existing, Hardening, OpenDirectory, Reason, Rules, ensure_dir,
};
use holdfast_core::resolve::Resolver;
use std::fs;
use std::os::unix::fs::MetadataExt;

const OUT: &str = "outside-workspace";

const TEXT: &[Row] = &[
    ("a new directory", "new", "/ new", "/ new"),
    ("new directories", "a/b/c", "/ a/b/c", "/ a/b/c"),
    (
        "new directories with a slash behind them",
        "a/b/",
        "/ a/b",
        "/ a/b",
    ),
    (
        "new directories with slashes and dots too many",
        ".//a/.//b/.",
        "/ a/b",
        "/ a/b",
    ),
    ("a directory", "d", "/ d", "/ d"),
    (
        "a directory by its absolute path",
        "$BASE/root/d",
        "/ d",
        "/ d",
    ),
    ("the root itself", ".", "/ .", "/ ."),
    (
        "the root itself by its absolute path",
        "$BASE/root",
        "/ .",
        "/ .",
    ),
    ("the root itself by `..`", "d/..", "/ .", "/ ."),
    ("a directory by `..`", "d/../d", "/ d", "/ d"),
    (
        "`..` behind what is missing, which is not made for it",
        "none/../a",
        "/ a | not-found | not-found | not-found",
        "/ a | not-found | not-found",
    ),
    ("`..` at the start", "../a", OUT, "/ ../a"),
    ("`..` that leaves and comes back", "../root/a", OUT, "/ a"),
    (
        "`..` that leaves behind a directory",
        "d/../../outside/a",
        OUT,
        "/ ../outside/a",
    ),
    (
        "an absolute path elsewhere",
        "$BASE/outside/a",
        OUT,
        "/ ../outside/a",
    ),
    ("nothing", "", "invalid-path", "invalid-path"),
    ("a NUL", "a\0", "invalid-path", "invalid-path"),
    ("a file", "f", "not-directory", "not-directory"),
    (
        "a file with a slash behind it",
        "f/",
        "not-directory",
        "not-directory",
    ),
    (
        "a directory below a file",
        "f/a/b",
        "not-directory",
        "not-directory",
    ),
];

const LINKS: &[Row] = &[
    (
        "a link to a directory",
        "ld",
        "symlink | symlink | / d | / d",
        "symlink | symlink | / d",
    ),
    (
        "a link with a slash behind it",
        "ld/",
        "symlink | symlink | / d | / d",
        "symlink | symlink | / d",
    ),
    (
        "a link with a dot behind it",
        "ld/.",
        "symlink | symlink | / d | / d",
        "symlink | symlink | / d",
    ),
    (
        "a directory beneath a link",
        "ld/a/b",
        "symlink | / d/a/b | / d/a/b | / d/a/b",
        "symlink | / d/a/b | / d/a/b",
    ),
    (
        "a link to a file",
        "lf",
        "symlink | symlink | not-directory | not-directory",
        "symlink | symlink | not-directory",
    ),
    (
        "a directory beneath a link to a file",
        "lf/a",
        "symlink | not-directory | not-directory | not-directory",
        "symlink | not-directory | not-directory",
    ),
    (
        "a linked directory outside",
        "out",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | / ../outside",
    ),
    (
        "a directory beneath a linked one outside",
        "out/a/b",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | / ../outside/a/b | / ../outside/a/b",
    ),
    (
        "an absolute link, though it leads inside",
        "absd",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | / d",
    ),
    (
        "a directory beneath an absolute link",
        "absd/a",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | / d/a | / d/a",
    ),
    (
        "a link to nothing",
        "dang",
        "symlink | symlink | not-found | not-found",
        "symlink | symlink | not-found",
    ),
    (
        "a directory beneath a link to nothing",
        "dang/a",
        "symlink | not-found | not-found | not-found",
        "symlink | not-found | not-found",
    ),
    ("a link to itself", "loop", "symlink", "symlink"),
    (
        "a directory beneath a link to itself",
        "loop/a",
        "symlink",
        "symlink",
    ),
];

fn the_text_of_a_path_means_what_the_table_says(resolver: Resolver) {
    check(resolver, &Verb::Ensure(ENSURE), TEXT);
}

fn a_link_is_crossed_only_as_the_policy_allows(resolver: Resolver) {
    check(resolver, &Verb::Ensure(ENSURE), LINKS);
}

fn what_exists_is_tightened_exempted_or_left(resolver: Resolver) {
    use Hardening::{Left, NotNeeded, Tightened};
    for (case, mode, existing, expected, hardening, reason) in [
        (
            "private already",
            0o700,
            Existing::Tighten,
            0o700,
            NotNeeded,
            None,
        ),
        (
            "narrower than private",
            0o500,
            Existing::Tighten,
            0o500,
            NotNeeded,
            None,
        ),
        (
            "open to all",
            0o777,
            Existing::Tighten,
            0o700,
            Tightened,
            None,
        ),
        (
            "readable by all",
            0o555,
            Existing::Tighten,
            0o500,
            Tightened,
            None,
        ),
        (
            "setgid of our own group",
            0o2775,
            Existing::Tighten,
            0o2700,
            Tightened,
            None,
        ),
        ("required", 0o755, Existing::Require, 0o700, Tightened, None),
        (
            "shared by design",
            0o1777,
            Existing::Tighten,
            0o1777,
            Left,
            Some(Reason::Shared),
        ),
        ("left", 0o755, Existing::Leave, 0o755, Left, None),
        (
            "waived",
            0o755,
            Existing::OptOut,
            0o755,
            Left,
            Some(Reason::OptOut),
        ),
    ] {
        for (is_rooted, policy) in both() {
            let fixture = Fixture::new(&["root/", "root/d/"]);
            set_mode(&fixture.at("root/d"), mode);
            let caller = Caller::new(&fixture, resolver, is_rooted);
            let at = if is_rooted {
                "d".to_owned()
            } else {
                fixture.text("root/d")
            };
            let rules = Rules {
                mode: 0o700,
                existing,
            };
            let told = format!("{case}, {resolver:?}, {policy:?}, rooted: {is_rooted}");
            let scope = caller.scope(policy);
            let directory = OpenDirectory::open_or_make(&scope, at.as_bytes(), rules.mode);
            let directory = directory.expect(&told);
            assert_eq!(directory.differs_from(&rules), mode & 0o077 != 0, "{told}");
            let ensured = directory.harden(&rules).expect(&told);
            assert_eq!(
                (ensured.hardening, ensured.reason),
                (hardening, reason),
                "{told}"
            );
            assert_eq!(ensured.mode, expected, "{told}");
            let now = fs::metadata(fixture.at("root/d")).unwrap().mode() & 0o7777;
            assert_eq!(now, expected, "{told}");
            assert_eq!(ensured.is_private, expected & 0o077 == 0, "{told}");
            assert_eq!(ensured.first_created, None, "{told}");
        }
    }
}

fn a_directory_that_cannot_be_private_fails_where_that_is_required(resolver: Resolver) {
    for policy in ROOTED {
        let fixture = Fixture::new(&["root/", "root/tmp/ 1777"]);
        let caller = Caller::rooted(&fixture, resolver);
        let before = fixture.tree();
        let rules = Rules {
            mode: 0o700,
            existing: Existing::Require,
        };
        assert_eq!(
            caller.call(&Verb::Ensure(rules), policy, b"tmp"),
            "insecure-permissions"
        );
        assert_eq!(
            changes("", &before, &fixture.tree(), None),
            Vec::<String>::new()
        );
    }
}

fn new_directories_have_the_mode_and_old_ones_on_the_way_keep_theirs(resolver: Resolver) {
    for policy in ROOTED {
        for mode in [0o700, 0o750, 0o755, 0o777] {
            let fixture = Fixture::new(&["root/ 0775", "root/old/ 0751"]);
            let caller = Caller::rooted(&fixture, resolver);
            let rules = Rules {
                mode,
                existing: Existing::Tighten,
            };
            let ensured = ensure_dir(&caller.scope(policy), b"old/a/b", &rules).unwrap();
            assert_eq!(
                (ensured.hardening, ensured.mode),
                (Hardening::Created, mode)
            );
            assert!(ensured.first_created.unwrap().ends_with(b"old/a"));
            for (name, expected) in [
                ("root", 0o775),
                ("root/old", 0o751),
                ("root/old/a", mode),
                ("root/old/a/b", mode),
            ] {
                let now = fs::metadata(fixture.at(name)).unwrap().mode() & 0o7777;
                assert_eq!(now, expected, "{name}, {resolver:?}, {policy:?}");
            }
        }
    }
}

fn a_setgid_directory_hands_on_its_group_to_what_is_made_in_it(resolver: Resolver) {
    let fixture = Fixture::new(&["root/ 2755"]);
    let caller = Caller::rooted(&fixture, resolver);
    for policy in ROOTED {
        let name = format!("{policy:?}/b");
        let ensured = ensure_dir(&caller.scope(policy), name.as_bytes(), &ENSURE).unwrap();
        assert_eq!(ensured.mode, 0o2700, "{resolver:?}, {policy:?}");
    }
}

fn both() -> Vec<(bool, holdfast_core::resolve::Policy)> {
    let rooted = ROOTED.into_iter().map(|policy| (true, policy));
    rooted
        .chain(FREE.into_iter().map(|policy| (false, policy)))
        .collect()
}

per_resolver! {
    the_text_of_a_path_means_what_the_table_says,
    a_link_is_crossed_only_as_the_policy_allows,
    what_exists_is_tightened_exempted_or_left,
    a_directory_that_cannot_be_private_fails_where_that_is_required,
    new_directories_have_the_mode_and_old_ones_on_the_way_keep_theirs,
    a_setgid_directory_hands_on_its_group_to_what_is_made_in_it,
}
