//! A dry run of `ensure_dir`.

use super::system_calls::{SET_GROUP_ID, would_change_mode, would_create};
use crate::error::Error;
use crate::make_dirs::{self, Lookup};
use crate::metadata::{self, is_system_directory};
use crate::ops::ensure_dir::{self, Ensured, Hardened, Hardening, IsSystem, Rules};
use crate::path;
use crate::resolve::Scope;
use crate::sys::{self, Stat};
use nix::libc::S_IFDIR;
use std::os::fd::{AsFd, BorrowedFd};

/// Predicts the result of [`ensure_dir::ensure_dir`].
///
/// # Errors
///
/// Those that it would return.
pub fn ensure_dir(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Ensured, Error> {
    let located = scope.locate(raw)?;
    let (found, hardened) = match make_dirs::look_up(scope, &located.text, ensure_dir::last(scope))?
    {
        Lookup::Found(found) => {
            let real = scope.real_path(&located.text, &found);
            let is_system = |stat: &Stat| is_system_directory(&real, stat);
            let hardened = would_harden(found.fd.as_fd(), &is_system, rules)?;
            (found, hardened)
        }
        Lookup::Missing(top, missing) => {
            let hardened = would_make(top.fd.as_fd(), rules)?;
            let real = missing_path(&scope.real_path(b".", &top), &located.text, &missing);
            let first = missing.first().map(|&end| located.text[..end].to_vec());
            return ensure_dir::report(&hardened, Some(real), first, rules);
        }
    };
    let real = scope.real_path(&located.text, &found);
    ensure_dir::report(&hardened, Some(real), None, rules)
}

/// Returns the real path of a directory that does not exist yet.
fn missing_path(top: &[u8], text: &[u8], missing: &[usize]) -> Vec<u8> {
    missing.iter().fold(top.to_vec(), |base, &end| {
        path::split(&text[..end]).map_or(base.clone(), |(_, name)| {
            path::join(&base, name).into_owned()
        })
    })
}

fn would_harden(
    dir: BorrowedFd<'_>,
    is_system: IsSystem<'_>,
    rules: &Rules,
) -> Result<Hardened, Error> {
    let before = sys::fstat(dir)?;
    if let Some(hardened) = ensure_dir::unchanged(dir, before, is_system, rules)? {
        return Ok(hardened);
    }
    let (result, mode) = match would_change_mode(dir, &before, ensure_dir::narrowed(&before, rules))
    {
        Ok(mode) => (Ok(()), mode),
        Err(os) => (Err(os), before.permissions()),
    };
    let after = Stat {
        mode: before.kind() | mode,
        ..before
    };
    ensure_dir::changed(result, after, rules)
}

fn would_make(parent: BorrowedFd<'_>, rules: &Rules) -> Result<Hardened, Error> {
    let above = sys::fstat(parent)?;
    would_create(parent, "mkdir").map_err(|os| make_dirs::classify_creation(parent, os))?;
    Ok(Hardened {
        stat: Stat {
            mode: S_IFDIR | rules.mode | (above.mode & SET_GROUP_ID),
            uid: sys::effective_user(),
            ..above
        },
        is_private: rules.mode & metadata::SHARED_BITS == 0,
        hardening: Hardening::Created,
        reason: None,
    })
}
