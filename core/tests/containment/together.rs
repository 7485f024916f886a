//! Concurrent callers of one process.

use crate::call::{Caller, NEW, READ, ROOTED, Verb, WRITE, per_resolver};
use crate::fixture::Fixture;
use holdfast_core::ops::ensure_dir::{Hardening, ensure_dir};
use holdfast_core::ops::write::{Rules, write};
use holdfast_core::resolve::Resolver;
use std::sync::Barrier;
use std::thread;

const CALLERS: usize = 64;

/// Starts all callers at one instant and collects their outcomes.
fn at_once<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(CALLERS);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| {
                let (start, act) = (&start, &act);
                scope.spawn(move || {
                    start.wait();
                    act(number)
                })
            })
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    })
}

fn of_all_who_write_a_new_file_with_overwrite_off_one_wins(resolver: Resolver) {
    for policy in ROOTED {
        let fixture = Fixture::new(&["root/d/"]);
        let caller = Caller::rooted(&fixture, resolver);
        let rules = Rules {
            overwrite: false,
            ..WRITE
        };
        let came_to = at_once(|_| caller.call(&Verb::Write(rules), policy, b"d/f"));
        let count = |what: &str| came_to.iter().filter(|came| *came == what).count();
        assert_eq!(
            (count("+ d/f"), count("already-exists")),
            (1, CALLERS - 1),
            "{came_to:?}"
        );
        assert_eq!(fixture.tree_of("root").len(), 3, "no temporary is left");
    }
}

fn all_who_make_one_deep_directory_succeed_and_each_level_was_made_once(resolver: Resolver) {
    for policy in ROOTED {
        let fixture = Fixture::new(&["root/"]);
        let caller = Caller::rooted(&fixture, resolver);
        let made = at_once(|_| {
            ensure_dir(&caller.scope(policy), b"a/b/c/d/e/f", &crate::call::ENSURE).unwrap()
        });
        let told = format!("{resolver:?}, {policy:?}");
        let firsts = made
            .iter()
            .filter(|ensured| ensured.first_created.as_deref() == Some(b"a"));
        assert_eq!(firsts.count(), 1, "{told}");
        let creators = made
            .iter()
            .filter(|ensured| ensured.hardening == Hardening::Created);
        assert_eq!(creators.count(), 1, "{told}");
        assert!(made.iter().all(|ensured| ensured.mode == 0o700), "{told}");
    }
}

fn a_reader_sees_one_whole_version_of_a_file_that_all_others_replace(resolver: Resolver) {
    let fixture = Fixture::new(&["root/", &format!("root/f: {NEW}")]);
    let caller = Caller::rooted(&fixture, resolver);
    at_once(|number| {
        let scope = caller.scope(ROOTED[number % ROOTED.len()]);
        for round in 0..8 {
            if number % 2 == 0 {
                // Different lengths, so that a torn file would show.
                let data = vec![b'a' + (number % 26) as u8; 1 + number * 97 + round];
                write(&scope, b"f", &data, &WRITE, &|| false).unwrap();
            } else {
                let content = crate::call::read_whole(&scope, b"f", &READ).unwrap();
                let is_whole = content == NEW.as_bytes()
                    || content.iter().all(|byte| *byte == content[0])
                        && (content.len() - 1) % 97 < 8;
                assert!(is_whole, "{}", String::from_utf8_lossy(&content));
            }
        }
    });
    assert_eq!(fixture.tree_of("root").len(), 2, "no temporary is left");
}

per_resolver! {
    of_all_who_write_a_new_file_with_overwrite_off_one_wins,
    all_who_make_one_deep_directory_succeed_and_each_level_was_made_once,
    a_reader_sees_one_whole_version_of_a_file_that_all_others_replace,
}
