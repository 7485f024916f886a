//! Tables of cases: one line per path, one column per policy, each run with both resolvers.

use crate::call::{Caller, FREE, NEW, ROOTED, Verb};
use crate::fixture::{Fixture, Tree};
use holdfast_core::resolve::Resolver;
use std::path::{Path, PathBuf};

/// The layout of every table: a root with all kinds of symlinks, and an outside beside it.
pub(crate) const LAYOUT: &[&str] = &[
    "root/",
    "root/f: in",
    "root/d/",
    "root/d/g: in",
    "outside/",
    "outside/s: secret",
    "root/lf => f",
    "root/ld => d",
    "root/d/back => ../f",
    "root/two => ld/back",
    "root/dots => d/../f",
    "root/slash => f/",
    "root/out => ../outside",
    "root/outf => ../outside/s",
    "root/d/over => ../../outside/s",
    "root/round => ../root/f",
    "root/abs => $BASE/root/f",
    "root/absd => $BASE/root/d",
    "root/absout => $BASE/outside/s",
    "root/dang => nowhere",
    "root/loop => loop",
    "root/ping => pong",
    "root/pong => ping",
    "root/into => f/x",
];

/// A sentence, a path, and the outcomes with a root and without one.
///
/// The path is beneath the root; `$BASE` is the scratch directory. The outcome is one word for all
/// policies or one for each, between bars, in the order of [`ROOTED`] and [`FREE`]:
///
/// ```text
/// = text    a read returns this text     > name    a file is replaced, and nothing else
/// + name    a new file exists            / name    a directory exists afterwards
/// symlink   a refusal's code             ENOENT    what the system returned
/// ```
pub(crate) type Row = (&'static str, &'static str, &'static str, &'static str);

/// Checks a verb against a table.
pub(crate) fn check(resolver: Resolver, verb: &Verb, rows: &[Row]) {
    let mut differences = Vec::new();
    let mut fixture = Fixture::new(LAYOUT);
    let mut before = fixture.tree();
    for &(sentence, at, rooted, free) in rows {
        let rooted = ROOTED.into_iter().zip(columns(rooted, ROOTED.len()));
        let free = FREE.into_iter().zip(columns(free, FREE.len()));
        let cases = rooted.map(|case| (true, case));
        for (is_rooted, (policy, expected)) in cases.chain(free.map(|case| (false, case))) {
            let caller = Caller::new(&fixture, resolver, is_rooted);
            let at = at.replace("$BASE", &fixture.text(""));
            let at = if is_rooted {
                at
            } else {
                absolute(&fixture, at)
            };
            let got = caller.call(verb, policy, at.as_bytes());
            let after = fixture.tree();
            let told =
                format!("{sentence} ({at:?}, {resolver:?}, {policy:?}, rooted: {is_rooted})");
            differences.extend(judge(&told, expected, &got, &before, &after));
            if is_rooted {
                // No call may change what is beside a root, whatever the table expects.
                assert_eq!(outside(&after), outside(&before), "{told}");
            }
            if after != before {
                fixture = Fixture::new(LAYOUT);
                before = fixture.tree();
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Makes a path absolute, for a call without a root.
fn absolute(fixture: &Fixture, at: String) -> String {
    if at.starts_with('/') || at.is_empty() {
        at
    } else {
        fixture.text(&format!("root/{at}"))
    }
}

fn outside(tree: &Tree) -> Tree {
    let tree = tree.clone().into_iter();
    tree.filter(|(path, _)| path.starts_with("outside"))
        .collect()
}

fn columns(expected: &'static str, count: usize) -> Vec<&'static str> {
    let columns: Vec<&str> = expected.split('|').map(str::trim).collect();
    if columns.len() == 1 {
        return vec![columns[0]; count];
    }
    assert_eq!(columns.len(), count, "{expected}");
    columns
}

fn judge(told: &str, expected: &str, got: &str, before: &Tree, after: &Tree) -> Vec<String> {
    if got != expected {
        return vec![format!("{told}: expected {expected}, got {got}")];
    }
    let (sign, name) = expected.split_once(' ').unwrap_or((expected, ""));
    let named = below_root(name);
    match sign {
        ">" | "+" => {
            let had_file = before.get(&named).is_some_and(|was| was.is_file());
            assert_eq!(had_file, sign == ">", "{told}");
            let object = &after[&named];
            assert!(
                object.is_file() && object.shape.ends_with(NEW),
                "{told}: {object:?}"
            );
        }
        "/" => assert!(after[&named].shape.starts_with("4"), "{told}"),
        _ => return changes(told, before, after, None),
    }
    changes(told, before, after, Some(&named))
}

/// Returns the key of a tree for a name below the root.
fn below_root(name: &str) -> PathBuf {
    match (name, name.strip_prefix("../")) {
        (".", _) => PathBuf::from("root"),
        (_, Some(beside)) => PathBuf::from(beside),
        _ => Path::new("root").join(name),
    }
}

/// Returns what changed besides the named object and new directories on the way to it.
pub(crate) fn changes(
    told: &str,
    before: &Tree,
    after: &Tree,
    named: Option<&Path>,
) -> Vec<String> {
    let is_named = |path: &Path| named == Some(path);
    let is_on_the_way = |path: &Path| named.is_some_and(|named| named.starts_with(path));
    let gone = before
        .iter()
        .filter(|(path, was)| after.get(*path) != Some(was) && !is_named(path))
        .map(|(path, _)| format!("{told}: {} changed", path.display()));
    let new = after
        .keys()
        .filter(|path| !before.contains_key(*path) && !is_on_the_way(path))
        .map(|path| format!("{told}: {} is new", path.display()));
    gone.chain(new).collect()
}
