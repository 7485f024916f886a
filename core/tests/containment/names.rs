//! `stat`, `lstat`, `readlink`, `list` and `walk`, with each resolver by name: both return the same,
//! and what `std::fs` returns.

use crate::call::{Caller, RESOLVERS, ROOTED};
use crate::fixture::Fixture;
use crate::resolvers_agree::{ODD, ROUND, paths};
use crate::table::LAYOUT;
use holdfast_core::error::Error;
use holdfast_core::ops::{list, stat, walk};
use std::fmt::Debug;

const LIST: list::Rules = list::Rules {
    wants_stat: true,
    max_entries: 1000,
};

const WALK: walk::Rules = walk::Rules {
    wants_stat: true,
    max_depth: u32::MAX,
    skips_errors: false,
};

fn described<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?} {:?}", error.code(), error.errno()),
    }
}

/// Describes every call on a path.
fn outcomes(
    caller: &Caller<'_>,
    policy: holdfast_core::resolve::Policy,
    path: &str,
) -> Vec<String> {
    let scope = caller.scope(policy);
    let path = path.as_bytes();
    let times_apart = |stat: holdfast_core::Stat| (stat.ino, stat.mode, stat.nlink, stat.size);
    let names = |entries: holdfast_core::ops::entries::Entries| {
        (
            String::from_utf8_lossy(&entries.names).into_owned(),
            entries.kinds,
        )
    };
    let walked = || {
        let (mut walk, _) = walk::Walk::open(&scope, path, WALK)?;
        let batch = walk.next_batch(&|| false);
        assert!(batch.is_end || batch.failure.is_some());
        Ok(names(batch.entries))
    };
    vec![
        described(stat::stat(&scope, path).map(times_apart)),
        described(stat::lstat(&scope, path).map(times_apart)),
        described(stat::read_link(&scope, path)),
        described(list::list(&scope, path, &LIST).map(|listed| names(listed.entries))),
        described(walked()),
    ]
}

#[test]
fn both_resolvers_return_the_same_for_every_path() {
    let mut compared = 0;
    for layout in [LAYOUT, ODD, ROUND] {
        let fixture = Fixture::new(layout);
        let [kernel, walk] = RESOLVERS.map(|resolver| Caller::rooted(&fixture, resolver));
        for policy in ROOTED {
            for path in paths() {
                let path = path.replace("$BASE", &fixture.text(""));
                let expected = outcomes(&walk, policy, &path);
                assert_eq!(
                    outcomes(&kernel, policy, &path),
                    expected,
                    "{path} under {policy:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 1000);
}
