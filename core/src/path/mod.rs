//! Lexical rules for paths: pure functions on bytes, no I/O.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", test))]
#[cfg_attr(
    not(target_os = "macos"),
    allow(dead_code, reason = "only its tests are run elsewhere")
)]
mod macos;
pub(crate) mod reserved;
mod text;
#[cfg(any(windows, test))]
#[cfg_attr(
    not(windows),
    allow(dead_code, reason = "only its tests are run elsewhere")
)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(windows)]
use windows as platform;

pub(crate) use platform::{
    begins_with_system_link, from_caller, identity, is_magic_here, is_too_long, past_system_link,
};
pub use text::{
    bare, beneath, check, components, is_device_or_magic, is_normal, is_normal_beneath, join,
    normalize_beneath, split,
};
pub(crate) use text::{folded, may_be_device_or_magic};
#[cfg(windows)]
pub(crate) use windows::{from_namespace, link_target};

use std::borrow::Cow;

/// Converts a path from the core's form to the caller's form.
#[must_use]
#[inline]
pub fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    platform::shown(path)
}

/// Resolves `.`, `..` and repeated slashes of an absolute path by text. `..` at `/` stays there.
///
/// Correct only where no component is a symlink; the callers ensure that.
#[must_use]
pub fn normalize(absolute: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in components(absolute) {
        if part == b".." {
            kept.pop_if(|last| !platform::is_drive(last));
        } else {
            kept.push(part);
        }
    }
    let mut normal = Vec::with_capacity(absolute.len());
    for part in kept {
        normal.push(b'/');
        normal.extend_from_slice(part);
    }
    if normal.is_empty() {
        normal.push(b'/');
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizing_resolves_dots_and_slashes_by_text() {
        for (path, expected) in [
            ("/", "/"),
            ("//etc", "/etc"),
            ("/a/./b//c/", "/a/b/c"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("/a/b/../..", "/"),
        ] {
            assert_eq!(normalize(path.as_bytes()), expected.as_bytes(), "{path:?}");
        }
    }
}
