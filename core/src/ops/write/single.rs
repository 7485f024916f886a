//! Writes one whole file.

use super::named::Check;
use super::prepared::Prepared;
use super::rules::{Durable, IsAborted, Rules, TargetKey, Written};
use super::target::WriteTarget;
use crate::error::Error;
use crate::resolve::Scope;
use crate::sys::BorrowedFd;
use crate::temporary::reporting_leftovers;

/// Writes a whole file.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`], [`Code::Hardlink`],
/// [`Code::NotFile`], [`Code::NotDirectory`], [`Code::NotFound`], [`Code::AlreadyExists`],
/// [`Code::NotDurable`], [`Code::Aborted`], [`Code::PathMismatch`]; otherwise what the system
/// returned.
pub fn write(
    scope: &Scope<'_>,
    raw: &[u8],
    data: &[u8],
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Written, Error> {
    reporting_leftovers(|| Prepared::new(scope, raw, data, rules)?.finish(scope, is_aborted, None))
}

/// Writes a file whose content `fill` writes to the temporary. It returns the number of bytes.
///
/// # Errors
///
/// As [`write`], and those of `fill`.
pub(in crate::ops) fn write_with(
    scope: &Scope<'_>,
    target: WriteTarget,
    rules: &Rules,
    fill: impl FnOnce(BorrowedFd<'_>) -> Result<u64, Error>,
    is_aborted: IsAborted<'_>,
) -> Result<Written, Error> {
    reporting_leftovers(|| {
        Prepared::filled(scope, target, rules, |temporary| fill(temporary.fd()?))?
            .finish(scope, is_aborted, None)
    })
}

/// Writes a whole file if `check` permits it right before publication.
///
/// # Errors
///
/// As [`write`], and those of `check`.
pub fn write_checked(
    scope: &Scope<'_>,
    raw: &[u8],
    data: &[u8],
    rules: &Rules,
    is_aborted: IsAborted<'_>,
    check: Check<'_>,
) -> Result<Written, Error> {
    reporting_leftovers(|| {
        Prepared::new(scope, raw, data, rules)?.finish(scope, is_aborted, Some(check))
    })
}

/// Finds the file that a write would replace: its directory, and its name after final symlinks. May
/// block on file systems. Creates no directory.
///
/// # Errors
///
/// As [`write`].
pub fn find_target(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<TargetKey, Error> {
    let rules = Rules {
        make_parents: None,
        durable: Durable::No,
        overwrite: true,
        ..*rules
    };
    let mut target = WriteTarget::find(scope, raw, &rules)?;
    let old_file = target.inspect(scope, &rules)?;
    let (dev, ino) = target.identity()?;
    Ok(TargetKey::Known {
        dev,
        ino,
        name: Some(target.name().to_vec()),
        file: old_file
            .filter(|_| rules.in_place)
            .map(|old| (old.stat.dev, old.stat.ino)),
    })
}
