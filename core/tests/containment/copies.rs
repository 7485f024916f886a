//! Copies of trees that take long.

use crate::call::{Caller, per_resolver};
use crate::fixture::Fixture;
use holdfast_core::error::Code;
use holdfast_core::ops::copy::{Rules, copy};
use holdfast_core::ops::rename::Side;
use holdfast_core::ops::write::{Durable, FinalSymlink};
use holdfast_core::resolve::{Policy, Resolver};
use std::cell::Cell;
use std::fs;
use std::time::Duration;

per_resolver!(a_tree_is_copied_however_long_a_file_takes);

const RULES: Rules = Rules {
    overwrite: false,
    recursive: true,
    mode: None,
    max_bytes: None,
    max_entries: None,
    durable: Durable::No,
    reject_hardlinks: true,
    final_symlink: FinalSymlink::Reject,
};

/// Copies `root/t` to `root/to/c`. `meanwhile` runs once there is a directory `root/to/c/sub`.
fn slow_copy(fixture: &Fixture, resolver: Resolver, meanwhile: impl Fn()) -> Option<Code> {
    let caller = Caller::rooted(fixture, resolver);
    let scope = caller.scope(Policy::Reject);
    let (from, to) = (b"t".as_slice(), b"to/c".as_slice());
    let side = |path| Side {
        scope: &scope,
        path,
    };
    let has_waited = Cell::new(false);
    let is_aborted = || {
        if fixture.at("root/to/c/sub").exists() || has_waited.get() {
            if !has_waited.replace(true) {
                meanwhile();
            }
            std::thread::sleep(Duration::from_millis(110));
        }
        false
    };
    let result = copy(side(from), side(to), &RULES, &is_aborted);
    assert!(has_waited.get(), "nothing waited");
    result.err().and_then(|failure| failure.error.code())
}

const TREE: &[&str] = &[
    "root/t/sub/f: content",
    "root/t/sub/g: more",
    "root/to/",
    "root/other/",
];

fn a_tree_is_copied_however_long_a_file_takes(resolver: Resolver) {
    let fixture = Fixture::new(TREE);
    assert_eq!(slow_copy(&fixture, resolver, || {}), None);
    let copied = fs::read(fixture.at("root/to/c/sub/f")).unwrap();
    assert_eq!(copied, b"content");

    for (old, new) in [("root/to", "root/other/to"), ("root/to/c", "root/other/c")] {
        let fixture = Fixture::new(TREE);
        let moved = || fs::rename(fixture.at(old), fixture.at(new)).unwrap();
        let code = slow_copy(&fixture, resolver, moved);
        assert_eq!(code, Some(Code::PathMismatch), "{old}");
    }
}
