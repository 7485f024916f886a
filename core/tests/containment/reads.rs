//! How a read resolves paths.

use crate::call::per_resolver;
use crate::call::{READ, Verb};
use crate::table::{Row, check};
use holdfast_core::resolve::Resolver;

/// The code for a path that leaves the root, by text or by a symlink that a policy would follow.
const OUT: &str = "outside-workspace";

const TEXT: &[Row] = &[
    ("a file", "f", "= in", "= in"),
    ("slashes and dots too many", ".//d/.//g", "= in", "= in"),
    ("an absolute path", "$BASE/root/f", "= in", "= in"),
    (
        "an absolute path with slashes and dots",
        "$BASE//root/./d//g",
        "= in",
        "= in",
    ),
    (
        "an absolute path by way of the outside",
        "$BASE/outside/../root/f",
        "= in | outside-workspace | outside-workspace | outside-workspace",
        "= in",
    ),
    ("`..` that stays inside", "d/../f", "= in", "= in"),
    (
        "`..` behind what is missing, which only text can resolve",
        "none/../f",
        "= in | not-found | not-found | not-found",
        "= in | not-found | not-found",
    ),
    (
        "`..` behind a file",
        "f/../f",
        "= in | not-found | not-found | not-found",
        "= in | not-found | not-found",
    ),
    ("`..` at the start", "../outside/s", OUT, "= secret"),
    ("`..` that leaves and comes back", "../root/f", OUT, "= in"),
    (
        "`..` that leaves behind a directory",
        "d/../../outside/s",
        OUT,
        "= secret",
    ),
    (
        "`..` far beyond the top",
        "../../../../../../../../../../../../holdfast-nowhere",
        OUT,
        "not-found",
    ),
    (
        "an absolute path elsewhere",
        "$BASE/outside/s",
        OUT,
        "= secret",
    ),
    (
        "a neighbour whose name begins like the root's",
        "$BASE/root-other/f",
        OUT,
        "not-found",
    ),
    (
        "two slashes at the start",
        "//holdfast-nowhere/x",
        OUT,
        "not-found",
    ),
    ("nothing", "", "invalid-path", "invalid-path"),
    ("a NUL", "f\0x", "invalid-path", "invalid-path"),
    ("a NUL at the end", "f\0", "invalid-path", "invalid-path"),
    (
        "the string of a URL",
        "file:///etc/passwd",
        "not-found",
        "not-found",
    ),
    ("a tilde", "~/f", "not-found", "not-found"),
    ("a variable", "$HOME", "not-found", "not-found"),
    ("a pattern", "*", "not-found", "not-found"),
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
    ("a directory", "d", "not-file", "not-file"),
    (
        "a directory with a slash behind it",
        "d/",
        "not-file",
        "not-file",
    ),
    ("the root itself", ".", "not-file", "not-file"),
    (
        "the root itself by its absolute path",
        "$BASE/root",
        "not-file",
        "not-file",
    ),
    ("the root itself by `..`", "d/..", "not-file", "not-file"),
    ("what is missing", "none", "not-found", "not-found"),
    (
        "what is missing, with a slash",
        "none/",
        "not-found",
        "not-found",
    ),
    ("a name below a file", "f/x", "not-found", "not-found"),
];

const LINKS: &[Row] = &[
    (
        "a link to a file",
        "lf",
        "symlink | symlink | = in | = in",
        "symlink | symlink | = in",
    ),
    (
        "a link with a slash behind it",
        "lf/",
        "symlink | symlink | not-directory | not-directory",
        "symlink | symlink | not-directory",
    ),
    (
        "a link with a dot behind it",
        "lf/.",
        "symlink | symlink | not-directory | not-directory",
        "symlink | symlink | not-directory",
    ),
    (
        "a link to a directory",
        "ld",
        "symlink | symlink | not-file | not-file",
        "symlink | symlink | not-file",
    ),
    (
        "a linked directory with a slash behind it",
        "ld/",
        "symlink | symlink | not-file | not-file",
        "symlink | symlink | not-file",
    ),
    (
        "a linked directory on the way",
        "ld/g",
        "symlink | = in | = in | = in",
        "symlink | = in | = in",
    ),
    (
        "a linked directory in the middle",
        "d/../ld/./g",
        "symlink | = in | = in | = in",
        "symlink | = in | = in",
    ),
    ("`..` behind a linked directory", "ld/../f", "= in", "= in"),
    (
        "a link whose `..` stays inside",
        "d/back",
        "symlink | symlink | = in | = in",
        "symlink | symlink | = in",
    ),
    (
        "a link with `..` in its middle",
        "dots",
        "symlink | symlink | = in | = in",
        "symlink | symlink | = in",
    ),
    (
        "a link through a link",
        "two",
        "symlink | symlink | = in | = in",
        "symlink | symlink | = in",
    ),
    (
        "a link to a file with a slash behind it",
        "slash",
        "symlink | symlink | not-found | not-found",
        "symlink | symlink | not-found",
    ),
    (
        "a linked directory outside",
        "out/s",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | = secret | = secret",
    ),
    (
        "`..` behind a linked directory outside",
        "out/../root/f",
        // By text it is `root/f` below the root.
        "not-found | outside-workspace | outside-workspace | outside-workspace",
        "not-found | = in | = in",
    ),
    (
        "a link to a file outside",
        "outf",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | = secret",
    ),
    (
        "a link to a file outside with a slash behind it",
        "outf/",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | not-directory",
    ),
    (
        "a link below that climbs outside",
        "d/over",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | = secret",
    ),
    (
        "a link that leaves and comes back",
        "round",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | = in",
    ),
    (
        "an absolute link, though it leads inside",
        "abs",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | = in",
    ),
    (
        "an absolute link to a directory",
        "absd/g",
        "symlink | outside-workspace | outside-workspace | outside-workspace",
        "symlink | = in | = in",
    ),
    (
        "an absolute link to the outside",
        "absout",
        "symlink | symlink | outside-workspace | outside-workspace",
        "symlink | symlink | = secret",
    ),
    (
        "a link to nothing",
        "dang",
        "symlink | symlink | not-found | not-found",
        "symlink | symlink | not-found",
    ),
    (
        "a name below a link to nothing",
        "dang/x",
        "symlink | not-found | not-found | not-found",
        "symlink | not-found | not-found",
    ),
    ("a link to itself", "loop", "symlink", "symlink"),
    (
        "a name below a link to itself",
        "loop/x",
        "symlink",
        "symlink",
    ),
    ("two links to each other", "ping", "symlink", "symlink"),
    (
        "a link to a name below a file",
        "into",
        "symlink | symlink | not-found | not-found",
        "symlink | symlink | not-found",
    ),
];

fn the_text_of_a_path_means_what_the_table_says(resolver: Resolver) {
    check(resolver, &Verb::Read(READ), TEXT);
}

fn a_link_is_read_through_only_as_the_policy_allows(resolver: Resolver) {
    check(resolver, &Verb::Read(READ), LINKS);
}

per_resolver! {
    the_text_of_a_path_means_what_the_table_says,
    a_link_is_read_through_only_as_the_policy_allows,
}
