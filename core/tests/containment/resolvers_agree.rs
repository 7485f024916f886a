//! Compares both resolvers on twin trees, over one table of layouts × paths × verbs × policies.
//! Outcomes and resulting trees are equal.

use crate::call::{Caller, ENSURE, READ, RESOLVERS, ROOTED, Verb, WRITE};
use crate::fixture::{Fixture, shapes};
use crate::table::LAYOUT;
use holdfast_core::ops::ensure_dir::{self, Existing};
use holdfast_core::ops::read;
use holdfast_core::ops::write::{self, FinalSymlink};
use holdfast_core::resolve::Policy;
use std::collections::BTreeSet;

/// Symlinks in every position, files of every type, and modes that the verbs judge.
pub(crate) const ODD: &[&str] = &[
    "root/ 0775",
    "root/d/ 2775",
    "root/d/d/ 1777",
    "root/d/f 0600: deep",
    "root/d/ld => ..",
    "root/d/out => ../../outside",
    "root/f 0644: top",
    "root/lf => d/f",
    "root/ld => d/d",
    "root/out => ../outside/d",
    "root/dang => d/new",
    "root/pipe |",
    "outside/d/f: secret",
    "outside/f == root/f",
];

/// Symlinks that form loops, pass through `/`, or lead back in from the outside.
pub(crate) const ROUND: &[&str] = &[
    "root/d/d => ../d",
    "root/d/ld => ../ld/../f",
    "root/f => ../root/d",
    "root/d/f: deep",
    "root/lf => ./d/./f/",
    "root/ld => d/../d/./",
    "root/out => $BASE/root/d",
    "root/d/out => ../out",
    "root/dang => dang/x",
    "root/pipe => $BASE",
    "outside/f: secret",
];

const NAMES: [&str; 10] = [
    "d", "f", "lf", "ld", "out", "dang", "pipe", "new", "..", ".",
];

/// Returns the paths of the table: every path of one and two names; those of three that cross a
/// directory or a symlink twice; variants with slashes, and absolute paths.
pub(crate) fn paths() -> Vec<String> {
    let mut paths: Vec<String> = NAMES.map(str::to_owned).to_vec();
    for first in NAMES {
        paths.extend(NAMES.iter().map(|second| format!("{first}/{second}")));
        paths.push(format!("{first}/"));
        paths.push(format!("{first}/."));
        paths.push(format!("$BASE/root/{first}"));
        paths.push(format!("$BASE/outside/{first}"));
    }
    for way_out in ["..", "d/../..", "ld/../..", "out/.."] {
        paths.extend(
            ["outside/s", "outside/f", "outside/d", "root/f"]
                .map(|name| format!("{way_out}/{name}")),
        );
    }
    for first in ["d", "ld", "out"] {
        for second in ["d", "ld", "out", "..", "new"] {
            paths.extend(["f", "new", "..", "lf"].map(|third| format!("{first}/{second}/{third}")));
        }
    }
    paths
}

pub(crate) fn verbs() -> Vec<Verb> {
    let careful = read::Rules {
        reject_hardlinks: true,
        outbound: read::Outbound::Shared,
        ..READ
    };
    let write = |final_symlink, make_parents| {
        Verb::Write(write::Rules {
            final_symlink,
            make_parents,
            ..WRITE
        })
    };
    let only_new = write::Rules {
        overwrite: false,
        mode: Some(0o600),
        ..WRITE
    };
    let require = ensure_dir::Rules {
        existing: Existing::Require,
        ..ENSURE
    };
    vec![
        Verb::Read(READ),
        Verb::Read(careful),
        write(FinalSymlink::Reject, None),
        write(FinalSymlink::Follow, None),
        write(FinalSymlink::Replace, Some(0o700)),
        Verb::Write(only_new),
        Verb::Ensure(ENSURE),
        Verb::Ensure(require),
    ]
}

/// Runs the call, and describes the outcome the same way for both trees.
fn did(
    fixture: &Fixture,
    index: usize,
    is_rooted: bool,
    verb: &Verb,
    policy: Policy,
    path: &str,
) -> String {
    let at = path.replace("$BASE", &fixture.text(""));
    let at = if is_rooted || at.starts_with('/') {
        at
    } else {
        fixture.text(&format!("root/{at}"))
    };
    Caller::new(fixture, RESOLVERS[index], is_rooted).call(verb, policy, at.as_bytes())
}

fn compare(layout: &[&str], is_rooted: bool, policies: &[Policy]) {
    let fresh = || RESOLVERS.map(|_| Fixture::in_memory(layout));
    let trees = |fixtures: &[Fixture; 2]| fixtures.each_ref().map(Fixture::tree);
    let mut fixtures = fresh();
    let mut before = trees(&fixtures);
    let mut outcomes = BTreeSet::new();
    for path in paths() {
        for verb in verbs() {
            for &policy in policies {
                let [kernel, walk] = [0, 1]
                    .map(|index| did(&fixtures[index], index, is_rooted, &verb, policy, &path));
                let told = format!("{path}, {verb:?}, {policy:?}");
                assert_eq!(kernel, walk, "{told}");
                outcomes.insert(kernel.split(' ').next().unwrap_or_default().to_owned());
                if kernel.starts_with(['>', '+', '/']) || kernel == "insecure-permissions" {
                    let after = trees(&fixtures);
                    assert_eq!(shapes(&after[0]), shapes(&after[1]), "{told}");
                    if after != before {
                        fixtures = fresh();
                        before = trees(&fixtures);
                    }
                }
            }
        }
        // A refused call or a read leaves the tree as it was.
        assert_eq!(trees(&fixtures), before, "{path}");
    }
    // A table with a single outcome would compare nothing.
    assert!(outcomes.len() > 6, "{outcomes:?}");
}

#[test]
fn beneath_a_root_of_links_to_everywhere() {
    compare(LAYOUT, true, &ROOTED);
}

#[test]
fn beneath_a_root_of_odd_kinds_and_modes() {
    compare(ODD, true, &ROOTED);
}

#[test]
fn beneath_a_root_of_links_in_circles() {
    compare(ROUND, true, &ROOTED);
}

/// The kernel cannot check the owner of a symlink, so `follow-trusted` always walks. Absolute
/// symlinks here stay within the scratch directory.
const FREE_OF_TWO: [Policy; 2] = [Policy::Reject, Policy::FollowParents];

#[test]
fn without_a_root_among_links_to_everywhere() {
    compare(LAYOUT, false, &FREE_OF_TWO);
}

#[test]
fn without_a_root_among_odd_kinds_and_modes() {
    compare(ODD, false, &FREE_OF_TWO);
}
