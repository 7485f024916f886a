//! Rules for paths in the core's form, common to all systems: `/` separates the components.

use crate::error::{Code, Error};
use std::borrow::Cow;

/// Refuses paths that no system call accepts: an empty path, and one with a NUL.
///
/// # Errors
///
/// [`Code::InvalidPath`].
pub fn check(raw: &[u8]) -> Result<(), Error> {
    if raw.is_empty() {
        return Err(Error::refused(Code::InvalidPath, "empty"));
    }
    if raw.contains(&0) {
        return Err(Error::refused(Code::InvalidPath, "nul"));
    }
    Ok(())
}

/// Returns whether `path` is absolute and has no empty, `.` or `..` component and no trailing `/`.
#[must_use]
pub fn is_normal(path: &[u8]) -> bool {
    let [b'/', rest @ ..] = path else {
        return false;
    };
    rest.is_empty()
        || rest
            .split(|&byte| byte == b'/')
            .all(|part| !matches!(part, b"" | b"." | b".."))
}

/// Returns whether `path` is relative, not empty, and normal in the sense of [`is_normal`].
#[must_use]
pub fn is_normal_beneath(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/')
        .all(|part| !matches!(part, b"" | b"." | b".."))
}

/// Joins `path` to `base`, unless it is absolute itself. No component is interpreted.
#[must_use]
pub fn join<'a>(base: &[u8], path: &'a [u8]) -> Cow<'a, [u8]> {
    if path.starts_with(b"/") {
        return Cow::Borrowed(path);
    }
    let mut joined = Vec::with_capacity(base.len() + 1 + path.len());
    joined.extend_from_slice(base);
    if !base.ends_with(b"/") {
        joined.push(b'/');
    }
    joined.extend_from_slice(path);
    Cow::Owned(joined)
}

/// Returns the components that name something: neither empty nor `.`.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
}

/// Resolves a path beneath a root by text; `None` when it leaves the root on the way.
///
/// The result is relative, and empty for the root itself.
#[must_use]
pub fn normalize_beneath(relative: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in components(relative) {
        if part == b".." {
            kept.pop()?;
        } else {
            kept.push(part);
        }
    }
    Some(kept.join(&b'/'))
}

/// Returns the part of an absolute path below `root`, a normal path; `None` when the path is not
/// beneath `root`.
///
/// Components are compared literally: `..` before the root is complete is no match.
#[must_use]
pub fn beneath<'a>(absolute: &'a [u8], root: &[u8]) -> Option<&'a [u8]> {
    let mut rest = absolute;
    for wanted in components(root) {
        rest = skip_nothing(rest);
        let end = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
        if &rest[..end] != wanted {
            return None;
        }
        rest = &rest[end..];
    }
    Some(skip_nothing(rest))
}

/// Skips slashes and `.` components at the start.
fn skip_nothing(mut path: &[u8]) -> &[u8] {
    loop {
        match path {
            [b'/', rest @ ..] | [b'.', b'/', rest @ ..] => path = rest,
            b"." => path = b"",
            _ => return path,
        }
    }
}

/// Removes `/` and `/.` from the end. The flag tells whether there was any.
///
/// A symlink is then judged by its bare name: `O_NOFOLLOW` follows `link/`.
#[must_use]
pub fn bare(path: &[u8]) -> (&[u8], bool) {
    let mut text = path;
    loop {
        text = match text {
            [rest @ .., b'/'] if !rest.is_empty() => rest,
            [rest @ .., b'/', b'.'] if !rest.is_empty() => rest,
            b"/." => b"/",
            _ => return (text, text.len() != path.len()),
        };
    }
}

/// Returns parent and final component of a bare path. The parent of a single name is empty.
///
/// `None` when the final component is no name: `/`, `.`, `..` or nothing.
#[must_use]
pub fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = path.iter().rposition(|&byte| byte == b'/');
    let name = at.map_or(path, |at| &path[at + 1..]);
    if matches!(name, b"" | b"." | b"..") {
        return None;
    }
    Some(match at {
        None => (b"", name),
        Some(0) => (b"/", name),
        Some(at) => (&path[..at], name),
    })
}

/// Returns whether a normal absolute path needs the check by [`is_device_or_magic`].
#[inline(always)]
pub(crate) fn may_be_device_or_magic(normal: &[u8]) -> bool {
    (normal.starts_with(b"/dev") && !normal.starts_with(b"/dev/shm/"))
        || normal.starts_with(b"/proc")
        || normal.starts_with(b"/sys")
}

/// Returns whether opening or reading the name can act on a device or on another object.
///
/// `normal` is a normal absolute path. A symlink can hide such a name. Then the open and `fstat`
/// decide: the open does not block, acquires no controlling terminal and follows no magic link.
#[must_use]
pub fn is_device_or_magic(normal: &[u8]) -> bool {
    /// Number of components that the patterns below match.
    const MAX_PARTS: usize = 5;
    let mut parts = [&b""[..]; MAX_PARTS];
    let mut count = 0;
    for (place, part) in parts.iter_mut().zip(components(normal)) {
        *place = part;
        count += 1;
    }
    match &parts[..count] {
        [b"dev", b"shm", ..] => false,
        [b"dev", _, ..] => true,
        [b"proc", b"kcore" | b"kmsg" | b"sysrq-trigger", ..] => true,
        [b"proc", _, b"task", _, entry, ..] | [b"proc", _, entry, ..] => matches!(
            *entry,
            b"fd" | b"root" | b"cwd" | b"exe" | b"map_files" | b"ns" | b"mem"
        ),
        [b"sys", ..] => normal.ends_with(b"/trace_pipe"),
        _ => false,
    }
}

/// Returns the form of a name after case folding and composition of accents. It is the same for all
/// names that one file system might treat as equal, and for some that none does.
pub(crate) fn folded(name: &[u8]) -> Vec<u8> {
    // Upper case first: some letters become plain ones only that way.
    let plain = String::from_utf8_lossy(name).to_uppercase().to_lowercase();
    if plain.is_ascii() {
        plain.into_bytes()
    } else {
        // One replacement for all: a false match costs only time.
        "\u{fffd}".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_paths_without_empty_or_dot_components_are_normal() {
        for (path, expected) in [
            ("/", true),
            ("/a", true),
            ("/a/b.c", true),
            ("/a/..b", true),
            ("/a/", false),
            ("/a//b", false),
            ("/a/./b", false),
            ("/a/..", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(is_normal(path.as_bytes()), expected, "{path:?}");
        }
    }

    #[test]
    fn only_relative_paths_without_empty_or_dot_components_are_normal_beneath_a_root() {
        for (path, expected) in [
            ("a", true),
            ("a/b.c", true),
            ("..a", true),
            ("/a", false),
            ("a/", false),
            ("a//b", false),
            (".", false),
            ("a/..", false),
            ("", false),
        ] {
            assert_eq!(is_normal_beneath(path.as_bytes()), expected, "{path:?}");
        }
    }

    #[test]
    fn a_path_that_leaves_its_root_on_the_way_is_outside_even_when_it_returns() {
        for (path, expected) in [
            ("x", Some("x")),
            ("a/../x", Some("x")),
            ("./a//b/", Some("a/b")),
            (".", Some("")),
            ("a/..", Some("")),
            ("..", None),
            ("../x", None),
            ("a/../../x", None),
            ("../root/x", None),
        ] {
            assert_eq!(
                normalize_beneath(path.as_bytes()),
                expected.map(|text| text.as_bytes().to_vec()),
                "{path:?}"
            );
        }
    }

    #[test]
    fn an_absolute_path_is_beneath_a_root_only_component_by_component() {
        for (path, root, expected) in [
            ("/r/x", "/r", Some("x")),
            ("/r", "/r", Some("")),
            ("/r/", "/r", Some("")),
            ("//r/./x/y", "/r", Some("x/y")),
            ("/rx", "/r", None),
            ("/a/../r/x", "/r", None),
            ("/r/../x", "/r", Some("../x")),
            ("/x", "/", Some("x")),
        ] {
            assert_eq!(
                beneath(path.as_bytes(), root.as_bytes()),
                expected.map(str::as_bytes),
                "{path:?} in {root:?}"
            );
        }
    }

    #[test]
    fn a_trailing_slash_or_dot_is_cut_and_reported() {
        for (path, expected, cut) in [
            ("/a", "/a", false),
            ("/a/", "/a", true),
            ("/a/.", "/a", true),
            ("/a/././/", "/a", true),
            ("/", "/", false),
            ("/.", "/", true),
            ("a/..", "a/..", false),
            (".", ".", false),
        ] {
            assert_eq!(
                bare(path.as_bytes()),
                (expected.as_bytes(), cut),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_final_component_that_is_no_name_cannot_be_split_off() {
        assert_eq!(split(b"/a/b"), Some((&b"/a"[..], &b"b"[..])));
        assert_eq!(split(b"/a"), Some((&b"/"[..], &b"a"[..])));
        assert_eq!(split(b"a"), Some((&b""[..], &b"a"[..])));
        for path in ["/", ".", "..", "/a/..", ""] {
            assert_eq!(split(path.as_bytes()), None, "{path:?}");
        }
    }

    #[test]
    fn device_and_magic_names_are_known_by_text() {
        for (path, expected) in [
            ("/dev/zero", true),
            ("/dev/fd/0", true),
            ("/dev/stdin", true),
            ("/dev/shm/x", false),
            ("/dev/shm", false),
            ("/dev", false),
            ("/devil/x", false),
            ("/proc/self/fd/3", true),
            ("/proc/1/root/etc/passwd", true),
            ("/proc/self/task/1/fd/3", true),
            ("/proc/self/mem", true),
            ("/proc/kmsg", true),
            ("/proc/self/environ", false),
            ("/proc/self/fdinfo/3", false),
            ("/sys/kernel/tracing/trace_pipe", true),
            ("/home/proc/self/fd", false),
        ] {
            assert_eq!(is_device_or_magic(path.as_bytes()), expected, "{path:?}");
        }
    }
}
