//! Paths of macOS: bytes, with a few names that are not what they seem, in any case.

use super::text::{check, components, folded};
use crate::error::{Code, Error};
use std::borrow::Cow;

/// The component behind which a file's other forks lie.
const NAMED_FORK: &[u8] = b"..namedfork";

/// Links that stand in the sealed system volume, and lead into `/private`.
const SYSTEM_LINKS: [&[u8]; 3] = [b"etc", b"tmp", b"var"];

/// Whether a component is a drive, which `..` does not leave.
pub(super) fn is_drive(_: &[u8]) -> bool {
    false
}

/// A path as the core takes it.
///
/// `working_directory` is for drives, which only Windows has.
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

/// A path of the core as its caller writes it.
pub(super) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(path)
}

/// The file systems themselves say it: they count in different units.
pub(crate) fn is_too_long(_: &[u8]) -> bool {
    false
}

/// Two names that are not the same by this are two names for the file system, which may fold
/// cases.
pub(crate) fn identity(name: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(folded(name))
}

/// Names that lead elsewhere than their text says: objects by number (`/.vol`), and prefixes that
/// change how the rest is resolved. Devices, too, have a name in any case.
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

/// Whether an absolute path begins with a link that the system itself put there.
pub(crate) fn begins_with_system_link(absolute: &[u8]) -> bool {
    absolute.starts_with(b"/")
        && components(absolute)
            .next()
            .is_some_and(|top| SYSTEM_LINKS.contains(&top))
}

/// A normal absolute path that goes past such a link: nobody can exchange it, so that to refuse it
/// would protect nobody.
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
