//! Linux paths: bytes, used unchanged.

use super::text::check;
use crate::error::Error;
use std::borrow::Cow;

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
    Ok(Cow::Borrowed(raw))
}

/// Converts a path from the core's form to the caller's form.
pub(super) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(path)
}

/// Returns whether a name is longer than the limit in bytes.
pub(crate) fn is_too_long(name: &[u8]) -> bool {
    name.len() > 255
}

/// Returns the key by which names are compared: names with different keys are different files.
pub(crate) fn identity(name: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(name)
}

/// Returns whether a name of this system leads elsewhere than its text, besides those of
/// [`super::is_device_or_magic`].
pub(crate) fn is_magic_here(_: &[u8]) -> bool {
    false
}

/// Returns whether an absolute path begins with a symlink of the system itself.
pub(crate) fn begins_with_system_link(_: &[u8]) -> bool {
    false
}

/// Resolves such a symlink in a normal absolute path.
pub(crate) fn past_system_link(normal: Vec<u8>) -> Vec<u8> {
    normal
}
