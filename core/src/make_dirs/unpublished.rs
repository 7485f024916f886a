//! Makes a directory that has its exact mode, and no inherited ACL, before it has its name.
//!
//! It is made under the name of a temporary. Another call that finds the directory can so make an
//! entry in it at once, and a killed process leaves no directory with another mode: only an empty
//! temporary.

use super::new_mode::{change_mode, is_created_one};
use super::owner_bits::{OWNER, may_lack_owner_bits, remember_missing_owner_bits};
use crate::error::{Error, Os};
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::{SUFFIX, with_random_name};

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

/// What became of a temporary.
enum Attempt {
    Over(Outcome),
    /// Whoever cleans up removed it, or another user exchanged it.
    Lost,
}

/// Returns whether a directory with this mode may be incomplete at first. A umask or an ACL that takes
/// bits of the owner is so rare that it counts only where one was seen.
pub(super) fn is_wanted(mode: u32) -> bool {
    sys::HAS_MODES && (mode & !OWNER != 0 || may_lack_owner_bits())
}

/// Makes the directory and gives it its name.
pub(super) fn make(
    parent: BorrowedFd<'_>,
    name: &[u8],
    mode: u32,
    open: OpenNew,
) -> Result<Outcome, Error> {
    const TRIES: u32 = 16;
    if cannot_be_renamed_in(parent) {
        return Ok(Outcome::InPlace);
    }
    // An inherited ACL grants what the group has: nothing until it is removed.
    let first = if needs_no_acl(mode) {
        OWNER
    } else {
        mode | OWNER
    };
    for _ in 0..TRIES {
        let made = with_random_name(SUFFIX, |temporary| {
            sys::make_dir_at(parent, temporary, first)
        });
        let Ok((temporary, ())) = made else {
            return Ok(Outcome::InPlace);
        };
        let attempt = publish(parent, (&temporary, name), (first, mode), open);
        if !matches!(attempt, Ok(Attempt::Over(Outcome::Published(..)))) {
            // It is empty, and `clean` removes it.
            let _ = sys::remove_dir_at(parent, &temporary);
        }
        if let Attempt::Over(outcome) = attempt? {
            return Ok(outcome);
        }
    }
    Ok(Outcome::InPlace)
}

/// Completes a directory, and renames it.
fn publish(
    parent: BorrowedFd<'_>,
    (temporary, name): (&[u8], &[u8]),
    (first, mode): (u32, u32),
    open: OpenNew,
) -> Result<Attempt, Error> {
    let dir = match open(parent, temporary) {
        Ok(dir) => dir,
        Err(os) if matches!(os.errno, sys::ENOENT | sys::ENOTDIR | sys::ELOOP) => {
            return Ok(Attempt::Lost);
        }
        Err(os) => return Err(os.into()),
    };
    let stat = sys::fstat(dir.as_fd())?;
    let refused = match complete(parent, dir.as_fd(), &stat, (first, mode))? {
        Completed::With(refused) => refused,
        Completed::Exchanged => return Ok(Attempt::Lost),
        Completed::NotHere => return Ok(Attempt::Over(Outcome::InPlace)),
    };
    if refused.is_some() && needs_no_acl(mode) {
        // The owner's bits are all that it has. In place it gets what the umask leaves of the mode.
        return Ok(Attempt::Over(Outcome::InPlace));
    }
    match sys::rename_new(parent, temporary, parent, name) {
        Ok(()) => {}
        Err(os) if os.errno == sys::ENOENT => return Ok(Attempt::Lost),
        Err(_) => return Ok(Attempt::Over(Outcome::InPlace)),
    }
    // Another user may have exchanged the temporary right before it was renamed.
    let is_there = match sys::fstatat(parent, name) {
        Ok(seen) => seen.is_same_object(&stat),
        Err(os) => os.errno != sys::ENOENT,
    };
    Ok(Attempt::Over(if is_there {
        Outcome::Published(dir, refused)
    } else {
        Outcome::InPlace
    }))
}

/// Returns whether a directory takes new names, and keeps them: no temporary can leave it.
#[cfg(target_os = "linux")]
fn cannot_be_renamed_in(parent: BorrowedFd<'_>) -> bool {
    sys::attributes(parent).is_append_only
}

#[cfg(not(target_os = "linux"))]
fn cannot_be_renamed_in(_: BorrowedFd<'_>) -> bool {
    false
}

/// Returns whether an inherited access ACL could grant more than the mode.
fn needs_no_acl(mode: u32) -> bool {
    sys::MODE_MASKS_ACL && metadata::group_exceeds_others(mode)
}

/// What [`complete`] made of a directory.
enum Completed {
    /// It is complete, but for what this errno refused.
    With(Option<i32>),
    /// It is another one than was made.
    Exchanged,
    /// It cannot be completed here.
    NotHere,
}

/// Gives a directory its mode, and removes its ACL.
///
/// `first` is the mode that it was made with: it has no bit beyond.
fn complete(
    parent: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    stat: &Stat,
    (first, mode): (u32, u32),
) -> Result<Completed, Error> {
    if !metadata::is_own(stat.uid) {
        // Another user's, or the file system gives new directories to one.
        let may_be_exchanged = metadata::others_may_rename_in(&sys::fstat(parent)?);
        return Ok(if may_be_exchanged {
            Completed::NotHere
        } else {
            Completed::With(None)
        });
    }
    if stat.mode & 0o777 & !first != 0 {
        return Ok(Completed::Exchanged);
    }
    if stat.mode & OWNER != OWNER {
        // The umask took them, and the directory has to be read. They are harmless on every directory
        // of ours.
        remember_missing_owner_bits();
        change_mode(dir, stat.permissions() | OWNER)?;
    }
    match is_created_one(parent, dir) {
        Ok(true) => {}
        Ok(false) => return Ok(Completed::Exchanged),
        Err(os) if os.errno == sys::EACCES => return Ok(Completed::NotHere),
        Err(os) => return Err(os.into()),
    }
    let kept_acl = if needs_no_acl(mode) {
        remove_acl(dir)?
    } else {
        None
    };
    let wanted = match kept_acl {
        None => mode,
        Some(_) => metadata::without_group_excess(mode),
    };
    let refused = if stat.mode & 0o777 == wanted && wanted & OWNER == OWNER {
        None
    } else {
        change_mode(dir, stat.permissions() & !0o777 | wanted)?
    };
    Ok(Completed::With(refused.or(kept_acl)))
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
