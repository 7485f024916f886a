//! Locks and appends, with each resolver.

use crate::call::{Caller, per_resolver};
use crate::fixture::Fixture;
use holdfast_core::error::Code;
use holdfast_core::ops::append::{self, AppendRules, Appended, Outcome};
use holdfast_core::ops::lock::{Lock, LockRules};
use holdfast_core::resolve::{Policy, Resolver, Scope};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const LAYOUT: &[&str] = &[
    "root/d/",
    "root/f: first",
    "root/l => f",
    "root/ld => d",
    "root/out => ../outside",
    "root/pipe |",
    "outside/s: secret",
];

const LOCK: LockRules<'_> = LockRules {
    is_shared: false,
    mode: 0o600,
    directory: None,
    make_parents: None,
    is_for_file: false,
    is_root_by_path: false,
};

const APPEND: AppendRules<'_> = AppendRules {
    lock: LOCK,
    new_file_mode: 0o600,
    is_durable: false,
    reject_hardlinks: false,
    isolates: true,
    max_bytes: None,
};

const SHARED: LockRules<'_> = LockRules {
    is_shared: true,
    ..LOCK
};

fn append(scope: &Scope<'_>, at: &str, record: &str) -> Result<Appended, Option<Code>> {
    match append::append(
        scope,
        at.as_bytes(),
        format!("{record}\n").as_bytes(),
        &APPEND,
        &|| false,
    ) {
        Ok(Outcome::Appended(appended)) => Ok(*appended),
        Ok(Outcome::Busy { .. }) => panic!("{at} is busy"),
        Err(failure) => Err(failure.error.code()),
    }
}

fn locked(scope: &Scope<'_>, at: &str, rules: &LockRules<'_>) -> Option<Lock> {
    let mut lock = Lock::open(scope, at.as_bytes(), rules).unwrap();
    lock.try_lock().unwrap().then_some(lock)
}

/// Returns the lock file of a directory.
fn lock_file(fixture: &Fixture, dir: &str) -> PathBuf {
    let mut entries = fs::read_dir(fixture.at(dir)).unwrap().map(Result::unwrap);
    let found = entries.find(|entry| entry.file_name().to_string_lossy().ends_with(".lock"));
    found.unwrap().path()
}

fn paths_to_one_file_have_one_lock(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::FollowWithinRoot);
    let lock = locked(&scope, "d/new", &LOCK).unwrap();
    for at in ["d/new", "ld/new", "./d/.//new"] {
        assert!(locked(&scope, at, &LOCK).is_none(), "{at}");
        assert!(locked(&scope, at, &SHARED).is_none(), "{at}");
    }
    assert!(locked(&scope, "f", &LOCK).is_some());
    lock.check().unwrap();
    drop(lock);
    let one = locked(&scope, "ld/new", &SHARED).unwrap();
    assert!(locked(&scope, "d/new", &SHARED).is_some());
    assert!(locked(&scope, "d/new", &LOCK).is_none());
    drop(one);
    assert!(locked(&scope, "d/new", &LOCK).is_some());
}

fn a_lock_beneath_a_root_stays_beneath_it(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let outside = fixture.tree_of("outside");
    let scope = caller.scope(Policy::FollowWithinRoot);
    for (at, code) in [
        ("out/s", Code::OutsideWorkspace),
        ("../outside/s", Code::OutsideWorkspace),
        ("none/f", Code::NotFound),
        ("f/x", Code::NotDirectory),
    ] {
        let error = Lock::open(&scope, at.as_bytes(), &LOCK).unwrap_err();
        assert_eq!(error.code(), Some(code), "{at}");
        assert_eq!(append(&scope, at, "x").unwrap_err(), Some(code), "{at}");
    }
    let strict = caller.scope(Policy::Reject);
    let error = Lock::open(&strict, b"ld/new", &LOCK).unwrap_err();
    assert_eq!(error.code(), Some(Code::Symlink));
    assert_eq!(
        append(&strict, "ld/new", "x").unwrap_err(),
        Some(Code::Symlink)
    );
    assert_eq!(fixture.tree_of("outside"), outside);
}

fn a_lock_file_that_was_removed_or_replaced_is_lost(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::Reject);
    let lock = locked(&scope, "d/new", &LOCK).unwrap();
    let file = lock_file(&fixture, "root/d");
    fs::remove_file(&file).unwrap();
    assert_eq!(lock.check().unwrap_err().code(), Some(Code::LockLost));
    let next = locked(&scope, "d/new", &LOCK).unwrap();
    assert_eq!(lock.check().unwrap_err().code(), Some(Code::LockLost));
    next.check().unwrap();
    fs::hard_link(&file, fixture.at("root/second")).unwrap();
    // Whoever opens the name still finds the file, and finds it locked.
    next.check().unwrap();
    drop(next);
    let error = Lock::open(&scope, b"d/new", &LOCK).unwrap_err();
    assert_eq!(error.code(), Some(Code::Hardlink));
    fs::remove_file(&file).unwrap();
    symlink("../../outside/s", &file).unwrap();
    let error = Lock::open(&scope, b"d/new", &LOCK).unwrap_err();
    assert_eq!(error.code(), Some(Code::Symlink));
}

fn records_follow_one_another_whatever_the_path(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::FollowWithinRoot);
    let first = append(&scope, "d/log", "one").unwrap();
    assert_eq!((first.offset, first.size, first.created), (0, 4, true));
    // The last line of `f` has no end.
    let torn = append(&scope, "f", "two").unwrap();
    assert_eq!((torn.offset, torn.size, torn.isolated), (6, 10, true));
    for at in ["ld/log", "d/log", "d/log"] {
        let more = append(&scope, at, "more").unwrap();
        assert!(!more.created && !more.isolated && !more.rotated, "{at}");
    }
    assert_eq!(
        fs::read_to_string(fixture.at("root/d/log")).unwrap(),
        "one\nmore\nmore\nmore\n"
    );
    // A log that was rotated is not appended to, and a new one is made.
    fs::rename(fixture.at("root/d/log"), fixture.at("root/d/log.1")).unwrap();
    assert!(append(&scope, "d/log", "new").unwrap().created);
    assert_eq!(
        fs::read_to_string(fixture.at("root/d/log")).unwrap(),
        "new\n"
    );
}

fn what_has_the_name_of_a_log_is_a_regular_file(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    for policy in [
        Policy::Reject,
        Policy::FollowWithinRoot,
        Policy::FollowTrusted,
    ] {
        let scope = caller.scope(policy);
        assert_eq!(append(&scope, "l", "x").unwrap_err(), Some(Code::Symlink));
        assert_eq!(
            append(&scope, "pipe", "x").unwrap_err(),
            Some(Code::NotFile)
        );
        assert_eq!(append(&scope, "d", "x").unwrap_err(), Some(Code::NotFile));
    }
    assert_eq!(fs::read_to_string(fixture.at("root/f")).unwrap(), "first");
}

fn an_append_waits_for_the_lock_and_says_whose_it_is(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::Reject);
    let mut lock = locked(&scope, "f", &LOCK).unwrap();
    lock.sign(b"somebody");
    let outcome = append::append(&scope, b"f", b"x\n", &APPEND, &|| false);
    assert!(matches!(outcome, Ok(Outcome::Busy { holder, .. }) if holder == b"somebody"));
    drop(lock);
    assert!(append(&scope, "f", "x").is_ok());
    assert_eq!(locked(&scope, "f", &LOCK).unwrap().holder(), b"");
}

fn an_aborted_append_writes_nothing(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::Reject);
    let outcome = append::append(&scope, b"d/log", b"x\n", &APPEND, &|| true);
    assert_eq!(outcome.unwrap_err().error.code(), Some(Code::Aborted));
    assert!(!fixture.at("root/d/log").exists());
    assert!(append(&scope, "d/log", "x").is_ok());
}

fn a_lock_is_lost_with_its_directory(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::FollowWithinRoot);
    let lock = locked(&scope, "ld/f", &LOCK).unwrap();
    lock.check().unwrap();
    fs::rename(fixture.at("root/d"), fixture.at("root/d.old")).unwrap();
    assert_eq!(lock.check().unwrap_err().code(), Some(Code::LockLost));
    fs::create_dir(fixture.at("root/d")).unwrap();
    assert_eq!(lock.check().unwrap_err().code(), Some(Code::LockLost));
}

per_resolver!(
    an_aborted_append_writes_nothing,
    a_lock_is_lost_with_its_directory,
    paths_to_one_file_have_one_lock,
    a_lock_beneath_a_root_stays_beneath_it,
    a_lock_file_that_was_removed_or_replaced_is_lost,
    records_follow_one_another_whatever_the_path,
    what_has_the_name_of_a_log_is_a_regular_file,
    an_append_waits_for_the_lock_and_says_whose_it_is,
);
