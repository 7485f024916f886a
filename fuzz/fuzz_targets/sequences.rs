//! Fuzzes sequences of operations on a small tree with symlinks, with both resolvers on twin trees.
//!
//! After each step both must have the same outcome and the same tree. A failure leaves the tree as
//! it was. A success changes only the object that it names. A call beneath a root neither changes
//! nor reads anything outside.
#![no_main]

use holdfast_core::resolve::Resolver;
use holdfast_fuzz::step::{Links, Plan, STEPS, Step};
use holdfast_fuzz::verb::{Outcome, content};
use holdfast_fuzz::world::{SECRET, Tree, World};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::Path;

fuzz_target!(|plan: Plan| {
    let kernel = World::new("a", Resolver::Kernel, plan.is_rooted).expect("a tree");
    let walk = World::new("b", Resolver::Walk, plan.is_rooted).expect("a tree");
    let worlds = [kernel, walk];
    let outside = worlds.each_ref().map(outside_of);
    let mut trees = worlds.each_ref().map(inside_of);
    assert_eq!(shapes(&trees[0]), shapes(&trees[1]));

    for step in plan.steps.iter().take(STEPS) {
        let outcomes = worlds.each_ref().map(|world| world.take(step));
        assert_eq!(outcomes[0], outcomes[1], "{step:?}");
        if outcomes[0].is_none() {
            worlds.iter().for_each(|world| world.disturb(step));
        }
        // A change by a read would show in the tree after the next step, or at the end.
        let now = match step {
            Step::Read { .. } | Step::Look { .. } => trees.clone(),
            _ => worlds.each_ref().map(inside_of),
        };
        assert_eq!(shapes(&now[0]), shapes(&now[1]), "{step:?}");
        for (index, outcome) in outcomes.iter().enumerate() {
            if let Some(outcome) = outcome {
                judge(step, outcome, &worlds[index], &trees[index], &now[index]);
            }
        }
        trees = now;
    }
    assert_eq!(worlds.each_ref().map(inside_of), trees);
    if plan.is_rooted {
        assert_eq!(worlds.each_ref().map(outside_of), outside);
    }
});

fn inside_of(world: &World) -> Tree {
    world.inside().expect("a tree")
}

fn outside_of(world: &World) -> Tree {
    world.outside().expect("an outside")
}

fn shapes(tree: &Tree) -> Vec<(&Path, &str)> {
    tree.iter()
        .map(|(path, object)| (path.as_path(), object.shape.as_str()))
        .collect()
}

/// Checks one outcome against the tree on disk.
fn judge(step: &Step, outcome: &Outcome, world: &World, before: &Tree, after: &Tree) {
    as_by_path(step, outcome, world);
    match outcome {
        Outcome::Read(content, real) => {
            assert_eq!(before, after, "{step:?}");
            assert_eq!(
                &fs::read(world.base.join(real)).expect("what was read"),
                content
            );
            if world.is_rooted() {
                assert!(!content.starts_with(SECRET.as_bytes()), "{step:?}");
                assert!(real.starts_with("root"), "{step:?} {real:?}");
            }
        }
        Outcome::Written(real, is_new, _) => {
            let Step::Write { data, .. } = step else {
                unreachable!()
            };
            let path = world.base.join(real);
            assert!(fs::symlink_metadata(&path).expect("a file").is_file());
            assert_eq!(fs::read(&path).expect("what was written"), content(*data));
            if world.is_rooted() {
                assert!(real.starts_with("root"), "{step:?} {real:?}");
                let had_file = before
                    .get(real)
                    .is_some_and(|object| object.shape.starts_with("100"));
                assert_eq!(*is_new, !had_file, "{step:?}");
                only_changed(step, real, before, after);
            }
        }
        Outcome::Ensured(real, _) => {
            assert!(
                fs::symlink_metadata(world.base.join(real))
                    .expect("a directory")
                    .is_dir()
            );
            if world.is_rooted() {
                assert!(real.starts_with("root"), "{step:?} {real:?}");
                only_changed(step, real, before, after);
            }
        }
        Outcome::Looked(_, names) => {
            assert_eq!(before, after, "{step:?}");
            let is_inside = |name: &String| {
                let of_tree = before.keys().filter_map(|path| path.file_name());
                name.is_empty() || of_tree.into_iter().any(|known| known == name.as_str())
            };
            assert!(names.iter().all(is_inside), "{step:?}: {names:?}");
        }
        // What it changed is the same in both trees, and lies beneath the root.
        Outcome::Changed(_) => {}
        Outcome::Partial(told) => {
            let is_defect = ["internal", "path-mismatch"]
                .iter()
                .any(|code| told.contains(code));
            assert!(!is_defect, "{step:?}: {told}");
        }
        // `require` removes bits before it fails.
        Outcome::Refused("insecure-permissions" | "not-owned") => {}
        Outcome::Refused("internal" | "path-mismatch") => panic!("{step:?}: {outcome:?}"),
        Outcome::Refused(_) | Outcome::System(..) => {
            assert_eq!(before, after, "{step:?}: {outcome:?}")
        }
    }
}

/// Checks that `std::fs` reads the same or nothing, where a path has the kernel's meaning.
fn as_by_path(step: &Step, outcome: &Outcome, world: &World) {
    let Step::Read { at, policy, .. } = step else {
        return;
    };
    if matches!(policy, Links::Reject) {
        return;
    }
    match outcome {
        Outcome::Read(content, _) => {
            let by_path = world.read_by_path(at).expect("what was read");
            assert_eq!(&by_path, content, "{step:?}");
        }
        Outcome::Refused("not-found") => assert!(world.read_by_path(at).is_err(), "{step:?}"),
        _ => {}
    }
}

/// Returns whether only these changed: the object at `real`, directories above it that are new or
/// contain a new name, and the link count of a file that lost this name.
fn only_changed(step: &Step, real: &Path, before: &Tree, after: &Tree) {
    let same = |path: &Path, was: &str, is: &str| {
        path == real || was == is || without_names(was) == without_names(is)
    };
    for (path, was) in before {
        let is = after
            .get(path)
            .unwrap_or_else(|| panic!("{step:?}: {} is gone", path.display()));
        assert!(
            same(path, &was.shape, &is.shape),
            "{step:?}: {} changed",
            path.display()
        );
    }
    for path in after.keys().filter(|path| !before.contains_key(*path)) {
        assert!(
            real.starts_with(path),
            "{step:?}: {} is new",
            path.display()
        );
    }
}

fn without_names(shape: &str) -> (&str, &str) {
    let (mode, rest) = shape.split_once(' ').unwrap_or((shape, ""));
    (
        mode,
        rest.split_once(' ').map_or("", |(_, content)| content),
    )
}
