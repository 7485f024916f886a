//! Fuzzes the rules for path text, against `std::path` and against each other.
//!
//! A wrong rule would let a path out of its root before any system call could stop it.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_core::path;
use libfuzzer_sys::fuzz_target;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Pieces of paths, so that most inputs are paths: one byte chooses one piece.
const PIECES: [&str; 16] = [
    "/", "/", "/", ".", ".", "..", "a", "b", "..a", "dev", "proc", "sys", "fd", "task", "shm", "\0",
];

/// Raw bytes, or pieces of paths.
#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Raw(&'a [u8]),
    Pieces(&'a [u8]),
}

impl Text<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.to_vec(),
            Self::Pieces(chosen) => chosen
                .iter()
                .flat_map(|&byte| PIECES[usize::from(byte) % PIECES.len()].bytes())
                .collect(),
        }
    }
}

fuzz_target!(|input: (Text<'_>, Text<'_>)| {
    let (one, other) = (input.0.bytes(), input.1.bytes());
    for text in [&one, &other] {
        check(text);
        bare_and_split(text);
        normalizing(text);
        normalizing_beneath(text);
        device_names(text);
    }
    joined(&one, &other);
    stripped(&one, &other);
});

fn as_path(text: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(text))
}

fn as_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn parts(text: &[u8]) -> Vec<&[u8]> {
    path::components(text).collect()
}

fn check(text: &[u8]) {
    let is_usable = !text.is_empty() && !text.contains(&0);
    assert_eq!(path::check(text).is_ok(), is_usable);
}

/// Resolves `.` and `..` by the components of `std::path`; `None` when `..` leaves the start.
fn resolved(text: &[u8]) -> Option<PathBuf> {
    let mut kept = PathBuf::new();
    for part in as_path(text).components() {
        match part {
            Component::Normal(name) => kept.push(name),
            Component::ParentDir if kept.pop() => {}
            Component::ParentDir => return None,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(kept)
}

fn bare_and_split(text: &[u8]) {
    let (bare, was_cut) = path::bare(text);
    assert!(text.starts_with(bare));
    assert_eq!(was_cut, bare.len() < text.len());
    assert_eq!(
        path::bare(bare),
        (bare, false),
        "cutting twice cuts no more"
    );
    assert_eq!(parts(bare), parts(text), "what is cut off names nothing");
    assert_eq!(bare.starts_with(b"/"), text.starts_with(b"/"));
    assert!(bare == b"/" || !bare.ends_with(b"/"));

    let name = as_path(bare).file_name().map(OsStr::as_bytes);
    let Some((parent, last)) = path::split(bare) else {
        assert_eq!(name, None);
        return;
    };
    assert_eq!(name, Some(last));
    assert!(!last.contains(&b'/'));
    assert_eq!(parent.starts_with(b"/"), bare.starts_with(b"/"));
    let mut again = parts(parent);
    again.push(last);
    assert_eq!(again, parts(bare));
    if !parent.is_empty() {
        assert_eq!(parts(&path::join(parent, last)), parts(bare));
    }
}

fn normalizing(text: &[u8]) {
    let normal = path::normalize(text);
    assert!(path::is_normal(&normal));
    assert_eq!(path::normalize(&normal), normal);
    assert_eq!(path::is_normal(text), normal == text);
    let mut kept = PathBuf::from("/");
    for part in as_path(text).components() {
        match part {
            Component::Normal(name) => kept.push(name),
            Component::ParentDir => {
                kept.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    assert_eq!(normal, as_bytes(&kept));
}

fn normalizing_beneath(text: &[u8]) {
    let normal = path::normalize_beneath(text);
    let expected = resolved(text);
    assert_eq!(normal.as_deref(), expected.as_deref().map(as_bytes));
    let is_as_given = normal.as_deref() == Some(text) && !text.is_empty();
    assert_eq!(path::is_normal_beneath(text), is_as_given);
    let Some(normal) = normal else { return };
    assert!(!normal.starts_with(b"/"));
    assert!(parts(&normal).iter().all(|part| *part != b".."));
    assert_eq!(path::normalize_beneath(&normal).as_ref(), Some(&normal));
    // Wherever the root lies, the path ends beneath it.
    let within = [&b"/some/root/"[..], text].concat();
    let expected = path::normalize(&[&b"/some/root/"[..], &normal].concat());
    assert_eq!(path::normalize(&within), expected);
    assert!(as_path(&expected).starts_with("/some/root"));
}

fn device_names(text: &[u8]) {
    let normal = path::normalize(text);
    if path::is_device_or_magic(&normal) {
        let top = as_path(&normal).components().nth(1);
        let tops = ["dev", "proc", "sys"].map(|name| Component::Normal(OsStr::new(name)));
        assert!(top.is_some_and(|top| tops.contains(&top)));
    }
    // The result depends on the components, however often a slash is repeated.
    let doubled = normal
        .split(|&byte| byte == b'/')
        .collect::<Vec<_>>()
        .join(&b"//"[..]);
    assert_eq!(
        path::is_device_or_magic(&doubled),
        path::is_device_or_magic(&normal)
    );
}

fn joined(base: &[u8], text: &[u8]) {
    let joined = path::join(base, text);
    if text.starts_with(b"/") {
        assert_eq!(&*joined, text);
    } else {
        let mut expected = parts(base);
        expected.extend(parts(text));
        assert_eq!(parts(&joined), expected);
    }
    if !base.is_empty() {
        let expected = as_path(base).join(as_path(text));
        assert!(expected.components().eq(as_path(&joined).components()));
    }
}

fn stripped(absolute: &[u8], root: &[u8]) {
    let root = path::normalize(root);
    let absolute = [b"/", absolute].concat();
    let rest = path::beneath(&absolute, &root);
    // `strip_prefix` too compares components literally, and drops repeated slashes and `.`.
    let expected = as_path(&absolute).strip_prefix(as_path(&root)).ok();
    assert_eq!(rest.is_some(), expected.is_some());
    let (Some(rest), Some(expected)) = (rest, expected) else {
        return;
    };
    assert!(absolute.ends_with(rest));
    assert!(!rest.starts_with(b"/"));
    assert_eq!(parts(rest), parts(as_bytes(expected)));
    let again = path::join(&root, rest);
    assert_eq!(path::normalize(&again), path::normalize(&absolute));
}
