//! macOS paths: bytes, with a few special names that are compared without case.

use super::text::{check, components, folded};
use crate::error::{Code, Error};
use std::borrow::Cow;

/// The component that precedes the forks of a file.
const NAMED_FORK: &[u8] = b"..namedfork";

/// Symlinks of the sealed system volume, which lead into `/private`.
const SYSTEM_LINKS: [&[u8]; 3] = [b"etc", b"tmp", b"var"];

/// Returns whether a component is a drive, which `..` does not leave.
pub(super) fn is_drive(_: &[u8]) -> bool {
    false
}

/// Converts a path from the caller's form to the core's form.
///
/// `working_directory` is used for drives, which only Windows has.
pub(crate) fn from_caller(
    raw: &[u8],
    _working_directory: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<Cow<'_, [u8]>, Error> {
    check(raw)?;
    if components(raw).any(|name| name.eq_ignore_ascii_case(NAMED_FORK)) {
        return Err(Error::refused(Code::DevicePath, "name"));
    }
    Ok(Cow::Borrowed(raw))
}

/// Converts a path from the core's form to the caller's form.
pub(super) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(path)
}

/// Returns false: file systems count names in different units, so the system call reports the
/// error.
pub(crate) fn is_too_long(_: &[u8]) -> bool {
    false
}

/// Returns the key by which names are compared: names with different keys are different files. The
/// file system may fold case.
pub(crate) fn identity(name: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(folded(name))
}

/// Returns whether a name leads elsewhere than its text: objects by number (`/.vol`), and prefixes
/// that change how the rest is resolved. Device names match without case, too.
pub(crate) fn is_magic_here(normal: &[u8]) -> bool {
    let mut parts = components(normal);
    let top = parts.next().unwrap_or_default().to_ascii_lowercase();
    let has_more = parts.next().is_some();
    match top.as_slice() {
        b"dev" => has_more,
        b".vol" | b".nofollow" | b".resolve" => true,
        _ => false,
    }
}

/// Returns whether an absolute path begins with a symlink of the system itself.
pub(crate) fn begins_with_system_link(absolute: &[u8]) -> bool {
    absolute.starts_with(b"/")
        && components(absolute)
            .next()
            .is_some_and(|top| SYSTEM_LINKS.contains(&top))
}

/// Resolves such a symlink in a normal absolute path. The sealed volume is read-only, so the
/// symlink cannot be exchanged and a refusal would add no security.
pub(crate) fn past_system_link(normal: Vec<u8>) -> Vec<u8> {
    if begins_with_system_link(&normal) {
        [b"/private", normal.as_slice()].concat()
    } else {
        normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forks_of_a_file_have_no_path() {
        for (path, expected) in [
            ("/a/..namedfork/rsrc", true),
            ("a/..NamedFork/data", true),
            ("a/..namedforks", false),
            ("a/rsrc", false),
        ] {
            let result = from_caller(path.as_bytes(), || unreachable!());
            let code = result.err().and_then(|error| error.code());
            assert_eq!(code == Some(Code::DevicePath), expected, "{path:?}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_known_by_text() {
        for (path, expected) in [
            ("/dev/null", true),
            ("/DEV/fd/3", true),
            ("/dev", false),
            ("/.vol/16777220/2", true),
            ("/.nofollow/tmp/x", true),
            ("/.resolve/1/x", true),
            ("/a/.vol/x", false),
            ("/developer/x", false),
        ] {
            assert_eq!(is_magic_here(path.as_bytes()), expected, "{path:?}");
        }
    }

    #[test]
    fn links_of_the_system_are_gone_past() {
        for (path, expected) in [
            ("/tmp/x", "/private/tmp/x"),
            ("/var", "/private/var"),
            ("/etc/hosts", "/private/etc/hosts"),
            ("/tmpx/y", "/tmpx/y"),
            ("/private/tmp/x", "/private/tmp/x"),
            ("/a/tmp", "/a/tmp"),
            ("/", "/"),
        ] {
            let past = past_system_link(path.as_bytes().to_vec());
            assert_eq!(past, expected.as_bytes(), "{path:?}");
        }
        assert!(begins_with_system_link(b"//tmp"));
        assert!(!begins_with_system_link(b"tmp/x"));
    }

    #[test]
    fn names_in_another_case_may_be_the_same() {
        assert_eq!(identity(b"File"), identity(b"fILE"));
        assert_eq!(identity("é".as_bytes()), identity("e\u{301}".as_bytes()));
        assert_eq!(identity("K".as_bytes()), identity("\u{212a}".as_bytes()));
        assert_ne!(identity(b"a"), identity(b"b"));
    }
}
