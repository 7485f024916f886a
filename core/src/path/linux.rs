//! Paths of Linux: bytes, taken as they are.

use super::text::check;
use crate::error::Error;
use std::borrow::Cow;

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
    Ok(Cow::Borrowed(raw))
}

/// A path of the core as its caller writes it.
pub(super) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(path)
}

/// The bytes of the longest name.
pub(crate) fn is_too_long(name: &[u8]) -> bool {
    name.len() > 255
}

/// Two names that are not the same by this are two names for the file system.
pub(crate) fn identity(name: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(name)
}

/// Names of this system that lead elsewhere than their text says, besides those of
/// [`super::is_device_or_magic`].
pub(crate) fn is_magic_here(_: &[u8]) -> bool {
    false
}

/// Whether an absolute path begins with a link that the system itself put there.
pub(crate) fn begins_with_system_link(_: &[u8]) -> bool {
    false
}

/// A normal absolute path that goes past such a link.
pub(crate) fn past_system_link(normal: Vec<u8>) -> Vec<u8> {
    normal
}
