//! What a write replaces, what it keeps, and what an unfinished write leaves behind.

use crate::call::{Caller, NEW, READ, ROOTED, Verb, WRITE, per_resolver};
use crate::fixture::Fixture;
use crate::table::{LAYOUT, changes};
use holdfast_core::error::Code;
use holdfast_core::ops::write::{self, Rules, Stage};
use holdfast_core::resolve::{Policy, Resolver, Scope};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

fn a_write_that_is_aborted_or_dropped_before_its_end_leaves_everything_as_it_was(
    resolver: Resolver,
) {
    for policy in ROOTED {
        let fixture = Fixture::new(LAYOUT);
        let caller = Caller::rooted(&fixture, resolver);
        let scope = caller.scope(policy);
        let before = fixture.tree();
        let aborted = write::write(&scope, b"f", b"x", &WRITE, &|| true);
        assert_eq!(aborted.unwrap_err().code(), Some(Code::Aborted));
        for is_dropped in [true, false] {
            let stage = Stage::begin(&scope, b"d/g", &WRITE).unwrap();
            let mut stage = stage.append(b"half").unwrap();
            if is_dropped {
                drop(stage);
            } else {
                stage.abort().unwrap();
            }
        }
        let none = changes(
            &format!("{resolver:?} {policy:?}"),
            &before,
            &fixture.tree(),
            None,
        );
        assert_eq!(none, Vec::<String>::new());
    }
}

fn a_file_in_pieces_is_not_published_in_a_directory_that_its_path_has_left(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let scope = caller.scope(Policy::FollowWithinRoot);
    let stage = Stage::begin(&scope, b"ld/g", &WRITE).unwrap();
    let stage = stage.append(b"new ").unwrap();
    // The parent is held open, and may be moved.
    fs::rename(fixture.at("root/d"), fixture.at("root/moved")).unwrap();
    std::os::unix::fs::symlink("../outside", fixture.at("root/d")).unwrap();
    let outside = fixture.tree_of("outside");
    let stage = stage.append(b"content").unwrap();
    let moved = fixture.tree_of("root/moved");
    let error = stage.commit(&scope, &|| false).unwrap_err();
    assert_eq!(error.code(), Some(Code::PathMismatch), "{resolver:?}");
    assert_eq!(fixture.tree_of("root/moved"), moved, "{resolver:?}");
    assert_eq!(fixture.tree_of("outside"), outside, "{resolver:?}");
}

fn a_file_in_pieces_is_not_published_in_a_moved_directory_without_a_root(resolver: Resolver) {
    for policy in [Policy::Reject, Policy::FollowParents, Policy::FollowTrusted] {
        let fixture = Fixture::new(LAYOUT);
        let scope = Scope {
            root: None,
            policy,
            resolver,
        };
        let path = fixture.at("root/d/g");
        let stage = Stage::begin(&scope, path.as_os_str().as_bytes(), &WRITE).unwrap();
        let stage = stage.append(b"content").unwrap();
        fs::rename(fixture.at("root/d"), fixture.at("root/moved")).unwrap();
        fs::create_dir(fixture.at("root/d")).unwrap();
        let before = fixture.tree_of("root");
        let error = stage.commit(&scope, &|| false).unwrap_err();
        assert_eq!(error.code(), Some(Code::PathMismatch), "{policy:?}");
        assert_eq!(fixture.tree_of("root"), before, "{policy:?}");
    }
}

fn other_names_of_a_file_keep_the_old_content_or_are_a_reason_to_refuse(resolver: Resolver) {
    for policy in ROOTED {
        let fixture = Fixture::new(&["root/", "root/f: old", "outside/", "outside/same == root/f"]);
        let caller = Caller::rooted(&fixture, resolver);
        let before = fixture.tree();
        let careful = Rules {
            reject_hardlinks: true,
            ..WRITE
        };
        assert_eq!(caller.call(&Verb::Write(careful), policy, b"f"), "hardlink");
        assert_eq!(fixture.tree(), before);
        assert_eq!(caller.call(&Verb::Write(WRITE), policy, b"f"), "> f");
        assert_eq!(
            fs::read_to_string(fixture.at("outside/same")).unwrap(),
            "old"
        );
        assert_eq!(fs::metadata(fixture.at("outside/same")).unwrap().nlink(), 1);
    }
}

fn bytes_that_are_no_text_name_a_file_byte_by_byte(resolver: Resolver) {
    let fixture = Fixture::new(LAYOUT);
    let caller = Caller::rooted(&fixture, resolver);
    let name = b"d/\xff\xfe\n\xc3";
    for policy in ROOTED {
        let _ = caller.call(&Verb::Write(WRITE), policy, name);
        assert_eq!(
            caller.call(&Verb::Read(READ), policy, name),
            format!("= {NEW}")
        );
    }
    let file = fixture.at("root").join(OsStr::from_bytes(name));
    assert_eq!(fs::read_to_string(file).unwrap(), NEW);
}

per_resolver! {
    a_write_that_is_aborted_or_dropped_before_its_end_leaves_everything_as_it_was,
    a_file_in_pieces_is_not_published_in_a_directory_that_its_path_has_left,
    a_file_in_pieces_is_not_published_in_a_moved_directory_without_a_root,
    other_names_of_a_file_keep_the_old_content_or_are_a_reason_to_refuse,
    bytes_that_are_no_text_name_a_file_byte_by_byte,
}
