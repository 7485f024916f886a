//! How a write resolves paths.

use crate::call::per_resolver;
use crate::call::{Verb, WRITE};
use crate::table::{Row, check};
use holdfast_core::ops::write::{FinalSymlink, Rules};
use holdfast_core::resolve::Resolver;

const OUT: &str = "outside-workspace";

const TEXT: &[Row] = &[
    ("a new file", "new", "+ new", "+ new"),
    ("an old file", "f", "> f", "> f"),
    (
        "an old file by its absolute path",
        "$BASE/root/d/g",
        "> d/g",
        "> d/g",
    ),
    ("slashes and dots too many", ".//d/.//g", "> d/g", "> d/g"),
    ("`..` that stays inside", "d/../f", "> f", "> f"),
    (
        "`..` behind what is missing, which only text can resolve",
        "none/../f",
        "> f | not-found | not-found | not-found",
        "> f | not-found | not-found",
    ),
    ("`..` at the start", "../new", OUT, "+ ../new"),
    ("`..` that leaves and comes back", "../root/f", OUT, "> f"),
    (
        "`..` that leaves behind a directory",
        "d/../../outside/s",
        OUT,
        "> ../outside/s",
    ),
    (
        "an absolute path elsewhere",
        "$BASE/outside/new",
        OUT,
        "+ ../outside/new",
    ),
    ("nothing", "", "invalid-path", "invalid-path"),
    ("a NUL", "new\0", "invalid-path", "invalid-path"),
    (
        "a file with a slash behind it",
        "f/",
        "not-directory",
        "not-directory",
    ),
    (
        "a file with a dot behind it",
        "f/.",
        "not-directory",
        "not-directory",
    ),
    (
        "a new name with a slash behind it",
        "new/",
        "not-file",
        "not-file",
    ),
    ("a directory", "d", "not-file", "not-file"),
    (
        "a directory with a slash behind it",
        "d/",
        "not-file",
        "not-file",
    ),
    ("the root itself", ".", "not-file", "not-file"),
    ("the root itself by `..`", "d/..", "not-file", "not-file"),
    ("a missing parent", "none/new", "not-found", "not-found"),
    (
        "a name below a file",
        "f/new",
        "not-directory",
        "not-directory",
    ),
];

const LINKS: &[Row] = &[
    ("a link to a file", "lf", "symlink", "symlink"),
    ("a link with a slash behind it", "lf/", "symlink", "symlink"),
    ("a link to a file outside", "outf", "symlink", "symlink"),
    (
        "a link to a file outside with a dot behind it",
        "outf/.",
        "symlink",
        "symlink",
    ),
    ("a link to nothing", "dang", "symlink", "symlink"),
    ("a link to itself", "loop", "symlink", "symlink"),
    (
        "a linked directory",
        "ld/new",
        "symlink | + d/new | + d/new | + d/new",
        "symlink | + d/new | + d/new",
    ),
    (
        "a linked directory outside",
        "out/new",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | + ../outside/new | + ../outside/new",
    ),
    (
        "an absolute link to a directory inside",
        "absd/new",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | + d/new | + d/new",
    ),
    (
        "a name below a link to nothing",
        "dang/new",
        "symlink | not-found | not-found | not-found",
        "symlink | not-found | not-found",
    ),
    (
        "a name below a link to itself",
        "loop/new",
        "symlink",
        "symlink",
    ),
];

const REPLACED: &[Row] = &[
    ("in place of a link to a file", "lf", "+ lf", "+ lf"),
    ("in place of a link to a directory", "ld", "+ ld", "+ ld"),
    (
        "in place of a link to the outside",
        "outf",
        "+ outf",
        "+ outf",
    ),
    (
        "in place of an absolute link",
        "absout",
        "+ absout",
        "+ absout",
    ),
    ("in place of a link to nothing", "dang", "+ dang", "+ dang"),
    ("in place of a link to itself", "loop", "+ loop", "+ loop"),
    (
        "in place of a link below a linked directory outside",
        "out/s",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | > ../outside/s | > ../outside/s",
    ),
];

const FOLLOWED: &[Row] = &[
    (
        "through a link",
        "lf",
        "symlink | > f | > f | > f",
        "symlink | > f | > f",
    ),
    (
        "through a link whose `..` stays inside",
        "d/back",
        "symlink | > f | > f | > f",
        "symlink | > f | > f",
    ),
    (
        "through a link to a link",
        "two",
        "symlink | > f | > f | > f",
        "symlink | > f | > f",
    ),
    (
        "through a link to nothing",
        "dang",
        "symlink | + nowhere | + nowhere | + nowhere",
        "symlink | + nowhere | + nowhere",
    ),
    (
        "through a link to a file outside",
        "outf",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | > ../outside/s | > ../outside/s",
    ),
    (
        "through a link below that climbs outside",
        "d/over",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | > ../outside/s | > ../outside/s",
    ),
    (
        "through a link that leaves and comes back",
        "round",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | > f | > f",
    ),
    (
        "through an absolute link, though it leads inside",
        "abs",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | > f | > f",
    ),
    (
        "through a link to a directory",
        "ld",
        "symlink | not-file | not-file | not-file",
        "symlink | not-file | not-file",
    ),
    ("through a link to itself", "loop", "symlink", "symlink"),
    (
        "through two links to each other",
        "ping",
        "symlink",
        "symlink",
    ),
    (
        "through a link to a name below a file",
        "into",
        "symlink | not-directory | not-directory | not-directory",
        "symlink | not-directory | not-directory",
    ),
];

const NEW_PARENTS: &[Row] = &[
    ("new parents", "a/b/new", "+ a/b/new", "+ a/b/new"),
    (
        "new parents in a linked directory",
        "ld/a/new",
        "symlink | + d/a/new | + d/a/new | + d/a/new",
        "symlink | + d/a/new | + d/a/new",
    ),
    (
        "new parents in a linked directory outside",
        "out/a/new",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | + ../outside/a/new | + ../outside/a/new",
    ),
    ("new parents outside", "../a/new", OUT, "+ ../a/new"),
    (
        "new parents below a file",
        "f/a/new",
        "not-directory",
        "not-directory",
    ),
    (
        "new parents below a link to nothing",
        "dang/a/new",
        "symlink | not-found | not-found | not-found",
        "symlink | not-found | not-found",
    ),
    (
        "`..` behind what is missing, which is not made for it",
        "none/../a/new",
        "+ a/new | not-found | not-found | not-found",
        "+ a/new | not-found | not-found",
    ),
];

fn the_text_of_a_path_means_what_the_table_says(resolver: Resolver) {
    check(resolver, &Verb::Write(WRITE), TEXT);
}

fn a_link_under_the_name_is_refused_and_one_on_the_way_is_the_policys(resolver: Resolver) {
    check(resolver, &Verb::Write(WRITE), LINKS);
}

fn a_link_that_is_to_be_replaced_loses_its_name_and_its_target_nothing(resolver: Resolver) {
    let final_symlink = FinalSymlink::Replace;
    check(
        resolver,
        &Verb::Write(Rules {
            final_symlink,
            ..WRITE
        }),
        REPLACED,
    );
}

fn a_link_that_is_to_be_followed_is_followed_within_the_policy(resolver: Resolver) {
    let final_symlink = FinalSymlink::Follow;
    check(
        resolver,
        &Verb::Write(Rules {
            final_symlink,
            ..WRITE
        }),
        FOLLOWED,
    );
}

fn missing_parents_are_made_where_the_policy_leads(resolver: Resolver) {
    let make_parents = Some(0o700);
    check(
        resolver,
        &Verb::Write(Rules {
            make_parents,
            ..WRITE
        }),
        NEW_PARENTS,
    );
}

fn with_overwrite_off_whatever_has_the_name_keeps_it(resolver: Resolver) {
    let rows: &[Row] = &[
        ("a new file", "new", "+ new", "+ new"),
        ("a file", "f", "already-exists", "already-exists"),
        ("a directory", "d", "already-exists", "already-exists"),
        ("a link to a file", "lf", "already-exists", "already-exists"),
        (
            "a link to nothing",
            "dang",
            "already-exists",
            "already-exists",
        ),
    ];
    for final_symlink in [FinalSymlink::Reject, FinalSymlink::Replace] {
        let rules = Rules {
            overwrite: false,
            final_symlink,
            ..WRITE
        };
        check(resolver, &Verb::Write(rules), rows);
    }
}

per_resolver! {
    the_text_of_a_path_means_what_the_table_says,
    a_link_under_the_name_is_refused_and_one_on_the_way_is_the_policys,
    a_link_that_is_to_be_replaced_loses_its_name_and_its_target_nothing,
    a_link_that_is_to_be_followed_is_followed_within_the_policy,
    missing_parents_are_made_where_the_policy_leads,
    with_overwrite_off_whatever_has_the_name_keeps_it,
}
