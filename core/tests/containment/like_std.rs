//! Compares each operation beneath a root with `std::fs` in a twin tree. Where the path stays
//! inside, result, error and tree are equal. Where it leaves, the call is refused and changes
//! nothing. The tests of Go's `os.Root` use the same method.

use crate::call::{Caller, NEW, READ, Verb, WRITE, per_resolver};
use crate::fixture::{Fixture, Tree};
use crate::table::LAYOUT;
use holdfast_core::ops::ensure_dir::{Existing, Rules as EnsureRules};
use holdfast_core::ops::write::{FinalSymlink, Rules as WriteRules};
use holdfast_core::resolve::{Policy, Resolver};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

const NAMES: [&str; 15] = [
    "f", "d", "g", "ld", "lf", "two", "dots", "out", "over", "round", "abs", "dang", "loop", "..",
    "none",
];

fn paths() -> Vec<String> {
    let mut paths: Vec<String> = NAMES.map(str::to_owned).to_vec();
    for first in NAMES {
        paths.extend(NAMES.iter().map(|second| format!("{first}/{second}")));
        for third in ["g", "back", "..", "new", "f"] {
            paths.push(format!("d/{first}/{third}"));
            paths.push(format!("ld/{first}/{third}"));
            paths.push(format!("./{first}//./{third}"));
        }
    }
    paths
}

/// Returns whether a path leaves the root on its way, by a slow walk over its names.
fn leaves(root: &Path, path: &str) -> bool {
    let mut here = PathBuf::new();
    let mut todo: Vec<PathBuf> = vec![PathBuf::from(path)];
    let mut links = 0;
    while let Some(next) = todo.pop() {
        let mut components = next.components();
        let Some(first) = components.next() else {
            continue;
        };
        todo.push(components.as_path().to_owned());
        match first {
            Component::RootDir | Component::Prefix(_) => return true,
            Component::CurDir => {}
            Component::ParentDir => {
                if !root.join(&here).is_dir() {
                    return false;
                }
                if !here.pop() {
                    return true;
                }
            }
            Component::Normal(name) => {
                let target = fs::read_link(root.join(&here).join(name));
                match target {
                    Ok(_) if links == 40 => return false,
                    Ok(target) => {
                        links += 1;
                        todo.push(target);
                    }
                    Err(_) => here.push(name),
                }
            }
        }
    }
    false
}

/// Returns the code that a read reports for an error of `std::fs`.
fn read_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "not-found",
        io::ErrorKind::IsADirectory => "not-file",
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => "symlink",
        _ => panic!("{error}"),
    }
}

/// Returns the code that a write reports for an error of `std::fs`.
fn write_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotADirectory => "not-directory",
        _ => read_code(error),
    }
}

/// Returns names, file types and contents. Modes depend on the umask of `std::fs`.
fn contents(tree: &Tree) -> Vec<(&Path, char, &str)> {
    tree.iter()
        .map(|(path, object)| {
            let (mode, content) = object.shape.split_once(' ').unwrap_or_default();
            (path.as_path(), mode.chars().next().unwrap_or('?'), content)
        })
        .collect()
}

/// Returns whether the two differ by design.
///
/// A path that ends in `..` is a directory for a write, which inspects nothing further.
/// `create_dir_all` creates `none` for `none/..`, and reports only EEXIST for dangling symlinks and
/// symlink loops.
fn is_another_matter(verb: &Verb, root: &Path, path: &str) -> bool {
    match verb {
        Verb::Read(_) => false,
        Verb::Write(_) => path.ends_with(".."),
        Verb::Ensure(_) => {
            let mut climbs = path.match_indices("/..");
            path.contains("dang")
                || path.contains("loop")
                || climbs.any(|(at, _)| !root.join(&path[..at]).exists())
        }
    }
}

/// Runs everything twice, and compares. `by_name` is the operation by `std::fs`; its error is a
/// code.
fn compare(resolver: Resolver, verb: &Verb, by_name: impl Fn(PathBuf) -> Result<(), &'static str>) {
    let fresh = || [Fixture::in_memory(LAYOUT), Fixture::in_memory(LAYOUT)];
    let [mut ours, mut theirs] = fresh();
    let (mut same, mut refused) = (0, 0);
    let mut before = ours.tree();
    for path in &paths() {
        if is_another_matter(verb, &ours.at("root"), path) {
            continue;
        }
        let caller = Caller::rooted(&ours, resolver);
        let got = caller.call(verb, Policy::FollowWithinRoot, path.as_bytes());
        let after = ours.tree();
        let told = format!("{path}, {verb:?}, {resolver:?}");
        if leaves(&ours.at("root"), path) {
            assert_eq!(got, "outside-workspace", "{told}");
            assert_eq!(after, before, "{told}");
            refused += 1;
            continue;
        }
        match by_name(theirs.at("root").join(path)) {
            Ok(()) => assert!(got.contains(' '), "{told}: {got}"),
            Err(code) => assert_eq!(got, code, "{told}"),
        }
        assert_eq!(contents(&after), contents(&theirs.tree()), "{told}");
        same += 1;
        if after != before {
            [ours, theirs] = fresh();
            before = ours.tree();
        }
    }
    assert!(
        same > 100 && refused > 50,
        "{same} alike, {refused} refused"
    );
}

fn a_read_beneath_a_root_is_a_read_by_name_that_cannot_leave(resolver: Resolver) {
    let fixture = Fixture::in_memory(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    for path in paths()
        .iter()
        .filter(|path| !leaves(&fixture.at("root"), path))
    {
        let got = caller.call(&Verb::Read(READ), Policy::FollowWithinRoot, path.as_bytes());
        let expected = match fs::read_to_string(fixture.at("root").join(path)) {
            Ok(content) => format!("= {content}"),
            Err(error) => read_code(&error).to_owned(),
        };
        assert_eq!(got, expected, "{path}, {resolver:?}");
    }
    compare(resolver, &Verb::Read(READ), |path| {
        fs::read(path).map(drop).map_err(|error| read_code(&error))
    });
}

fn a_write_beneath_a_root_is_a_write_by_name_that_cannot_leave(resolver: Resolver) {
    let rules = WriteRules {
        final_symlink: FinalSymlink::Follow,
        ..WRITE
    };
    compare(resolver, &Verb::Write(rules), |path| {
        fs::write(path, NEW).map_err(|error| write_code(&error))
    });
}

fn directories_made_beneath_a_root_are_those_made_by_name_that_cannot_leave(resolver: Resolver) {
    let rules = EnsureRules {
        mode: 0o755,
        existing: Existing::Leave,
    };
    // For an obstacle, `create_dir_all` reports at most that the name exists.
    compare(resolver, &Verb::Ensure(rules), |path| {
        fs::create_dir_all(path).map_err(|_| "not-directory")
    });
}

per_resolver! {
    a_read_beneath_a_root_is_a_read_by_name_that_cannot_leave,
    a_write_beneath_a_root_is_a_write_by_name_that_cannot_leave,
    directories_made_beneath_a_root_are_those_made_by_name_that_cannot_leave,
}
