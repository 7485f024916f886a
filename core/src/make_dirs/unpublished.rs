//! Makes a directory that has its exact mode, and no inherited ACL, before it has its name.
//!
//! It is made under the name of a temporary. Another call that finds the directory can so make an
//! entry in it at once, and a killed process leaves no directory with another mode: only an empty
//! temporary.

use super::new_mode::{change_mode, is_created_one};
use crate::error::{Error, Os};
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd};
use crate::temporary::{SUFFIX, with_random_name};

/// The owner may read and search the directory until it is complete.
const OWNER: u32 = 0o700;

/// Opens a new directory by its name.
pub(super) type OpenNew = fn(BorrowedFd<'_>, &[u8]) -> Result<OwnedFd, Os>;

/// What became of a directory.
pub(super) enum Outcome {
    /// It has its name. With the errno that kept it from its mode.
    Published(OwnedFd, Option<i32>),
    /// It was removed again: something has the name, or it can be made only in place here. An
    /// ordinary `mkdirat` tells which.
    InPlace,
}

/// Returns whether a directory with this mode can be incomplete: a umask or an ACL matters only to
/// the group and others.
pub(super) fn is_wanted(mode: u32) -> bool {
    sys::HAS_MODES && mode & !OWNER != 0
}

/// Makes the directory and gives it its name.
pub(super) fn make(
    parent: BorrowedFd<'_>,
    name: &[u8],
    mode: u32,
    open: OpenNew,
) -> Result<Outcome, Error> {
    let made = with_random_name(SUFFIX, |temporary| {
        sys::make_dir_at(parent, temporary, mode | OWNER)
    });
    let Ok((temporary, ())) = made else {
        return Ok(Outcome::InPlace);
    };
    let outcome = publish(parent, &temporary, name, mode, open);
    if !matches!(outcome, Ok(Outcome::Published(..))) {
        // It is empty, and `clean` removes it.
        let _ = sys::remove_dir_at(parent, &temporary);
    }
    outcome
}

fn publish(
    parent: BorrowedFd<'_>,
    temporary: &[u8],
    name: &[u8],
    mode: u32,
    open: OpenNew,
) -> Result<Outcome, Error> {
    let dir = match open(parent, temporary) {
        Ok(dir) => dir,
        // Whoever cleans up has removed it.
        Err(os) if os.errno == sys::ENOENT => return Ok(Outcome::InPlace),
        Err(os) => return Err(os.into()),
    };
    let Some(refused) = complete(parent, dir.as_fd(), mode)? else {
        return Ok(Outcome::InPlace);
    };
    Ok(match sys::rename_new(parent, temporary, parent, name) {
        Ok(()) => Outcome::Published(dir, refused),
        Err(_) => Outcome::InPlace,
    })
}

/// Gives a directory its mode. Returns the errno that kept it from that; `None` for a directory that
/// another user has put in its place.
fn complete(
    parent: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    mode: u32,
) -> Result<Option<Option<i32>>, Error> {
    let stat = sys::fstat(dir)?;
    if !metadata::is_own(stat.uid) {
        // The file system gives new directories to another user.
        return Ok(Some(None));
    }
    if !is_created_one(parent, dir)? {
        return Ok(None);
    }
    let needs_no_acl = sys::MODE_MASKS_ACL && metadata::group_exceeds_others(mode);
    let kept_acl = if needs_no_acl { remove_acl(dir)? } else { None };
    let wanted = match kept_acl {
        None => mode,
        Some(_) => metadata::without_group_excess(mode),
    };
    let refused = if stat.mode & 0o777 == wanted {
        None
    } else {
        change_mode(dir, stat.permissions() & !0o777 | wanted)?
    };
    Ok(Some(refused.or(kept_acl)))
}

/// Removes the access ACL. Returns the errno where it may still be there.
fn remove_acl(dir: BorrowedFd<'_>) -> Result<Option<i32>, Error> {
    let unless_kept = |os: Os| {
        if metadata::cannot_be_kept(os.errno) {
            Ok(Some(os.errno))
        } else {
            Err(os.into())
        }
    };
    let readable = match sys::open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
        Ok(readable) => readable,
        Err(os) => return unless_kept(os),
    };
    match sys::get_acl(readable.as_fd()) {
        Ok(None) => return Ok(None),
        Err(os) if !metadata::cannot_be_kept(os.errno) => return Err(os.into()),
        Ok(Some(_)) | Err(_) => {}
    }
    sys::remove_acl(readable.as_fd()).map_or_else(unless_kept, |()| Ok(None))
}
