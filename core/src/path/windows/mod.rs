//! Windows paths, as UTF-8. The core's form has `/` between the components and before the drive:
//! `C:\a\b` is `/C:/a/b`.
//!
//! Refused by text is every name that Windows, or a program that gets the path later, does not
//! treat as an ordinary file:
//!
//! - shares and the namespaces behind `\\?\` and `\\.\`
//! - device names of DOS
//! - streams
//! - paths relative to a drive's own working directory
//! - trailing dots and spaces, which Windows drops from a name

use super::text::{check, components, folded};
use crate::error::{Code, Error};
use std::borrow::Cow;

/// Returns whether a component is a drive, which `..` does not leave. No name has a colon.
pub(super) fn is_drive(component: &[u8]) -> bool {
    component.ends_with(b":")
}

/// A path in the core's form. The drive is missing from a path that begins with a single separator.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Whole(Vec<u8>),
    /// The path begins at the top of the current drive.
    LacksDrive(Vec<u8>),
}

/// Converts a path from the caller's form to the core's form.
///
/// `working_directory` is called for a path that begins at the top of the current drive.
pub(crate) fn from_caller(
    raw: &[u8],
    working_directory: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<Cow<'_, [u8]>, Error> {
    match parse(raw)? {
        Parsed::Whole(path) => Ok(Cow::Owned(path)),
        Parsed::LacksDrive(rest) => {
            let mut path = working_directory()?;
            path.truncate("/C:".len());
            path.extend_from_slice(&rest);
            Ok(Cow::Owned(path))
        }
    }
}

/// Converts a path from the core's form to the caller's form.
pub(super) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    let text = match path {
        [b'/', drive, b':', b'/', rest @ ..] => [&[*drive, b':', b'/'], rest].concat(),
        [b'/', drive, b':'] => vec![*drive, b':', b'/'],
        _ => path.to_vec(),
    };
    let shown = text.iter().map(|&byte| match byte {
        b'/' => b'\\',
        other => other,
    });
    Cow::Owned(shown.collect())
}

fn parse(raw: &[u8]) -> Result<Parsed, Error> {
    check(raw)?;
    let invalid = |detail| Err(Error::refused(Code::InvalidPath, detail));
    if std::str::from_utf8(raw).is_err() {
        return invalid("encoding");
    }
    let text: Vec<u8> = raw
        .iter()
        .map(|&byte| if byte == b'\\' { b'/' } else { byte })
        .collect();
    let parsed = match text.as_slice() {
        [b'/', b'/', ..] => return invalid("namespace"),
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => {
            if rest.first() != Some(&b'/') {
                return invalid("drive");
            }
            check_names(rest)?;
            Parsed::Whole([&[b'/', drive.to_ascii_uppercase(), b':'], rest].concat())
        }
        [b'/', ..] => {
            check_names(&text)?;
            Parsed::LacksDrive(text)
        }
        _ => {
            check_names(&text)?;
            Parsed::Whole(text)
        }
    };
    Ok(parsed)
}

fn check_names(text: &[u8]) -> Result<(), Error> {
    for name in components(text).filter(|name| *name != b"..") {
        if let Some(detail) = what_is_wrong(name) {
            return Err(Error::refused(Code::InvalidPath, detail));
        }
    }
    Ok(())
}

/// Returns why a name cannot be that of a file; `None` if it can.
fn what_is_wrong(name: &[u8]) -> Option<&'static str> {
    if name.contains(&b':') {
        return Some("stream");
    }
    if name
        .iter()
        .any(|byte| *byte < b' ' || b"<>\"|?*".contains(byte))
    {
        return Some("character");
    }
    if is_device(name) {
        return Some("device");
    }
    matches!(name.last(), Some(b'.' | b' ')).then_some("trailing")
}

/// Returns whether a name is that of a device, whatever its extension.
fn is_device(name: &[u8]) -> bool {
    let stem = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let stem = String::from_utf8_lossy(stem).trim_end().to_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$" => true,
        _ => ["COM", "LPT"].iter().any(|port| {
            stem.strip_prefix(port)
                .is_some_and(|rest| matches!(rest, "¹" | "²" | "³") || is_digit(rest))
        }),
    }
}

fn is_digit(text: &str) -> bool {
    text.len() == 1 && text.as_bytes()[0].is_ascii_digit()
}

/// Returns whether a name is longer than the limit of all file systems, in UTF-16 units.
pub(crate) fn is_too_long(name: &[u8]) -> bool {
    String::from_utf8_lossy(name).encode_utf16().count() > 255
}

/// Returns the key by which names are compared: names with different keys are different files. The
/// file system folds case.
pub(crate) fn identity(name: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(folded(name))
}

/// Returns false: names that lead elsewhere than their text are refused as paths here.
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

/// Returns the target of a symlink or junction in the core's form, from the data of its reparse
/// point.
///
/// `None` for any other reparse point, and for the target of a volume without a drive letter.
pub(crate) fn link_target(data: &[u8]) -> Option<Vec<u8>> {
    const MOUNT_POINT: u32 = 0xa000_0003;
    const SYMLINK: u32 = 0xa000_000c;
    const RELATIVE: u32 = 1;
    let short = |at: usize| {
        let bytes = data.get(at..at + 2)?;
        Some(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    let long = |at: usize| {
        let bytes = data.get(at..at + 4)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    // Layout: tag, length, a reserved field; offset and length of the swapped_in_file name, then of the
    // print name; flags, for symlinks only; the names.
    let (names, is_relative) = match long(0)? {
        MOUNT_POINT => (16, false),
        SYMLINK => (20, long(16)? & RELATIVE != 0),
        _ => return None,
    };
    let start = names + short(8)?;
    let wide: Vec<u16> = data
        .get(start..start + short(10)?)?
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let text = String::from_utf16(&wide).ok()?;
    if is_relative {
        return match parse(text.as_bytes()).ok()? {
            Parsed::Whole(path) => Some(path),
            Parsed::LacksDrive(_) => None,
        };
    }
    from_namespace(&text)
}

/// Converts a full path of a namespace that has drives, `\??\C:\a` or `\\?\C:\a`, to the core's
/// form.
pub(crate) fn from_namespace(text: &str) -> Option<Vec<u8>> {
    let path = text
        .strip_prefix(r"\??\")
        .or_else(|| text.strip_prefix(r"\\?\"))?;
    let bytes = path.as_bytes();
    let [drive, b':', rest @ ..] = bytes else {
        return None;
    };
    if !drive.is_ascii_alphabetic() || !matches!(rest.first(), None | Some(b'\\')) {
        return None;
    }
    let mut internal = vec![b'/', drive.to_ascii_uppercase(), b':'];
    internal.extend(
        rest.iter()
            .map(|&byte| if byte == b'\\' { b'/' } else { byte }),
    );
    if internal.last() == Some(&b'/') {
        internal.pop();
    }
    Some(internal)
}

#[cfg(test)]
mod tests;
