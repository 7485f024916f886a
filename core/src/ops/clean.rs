//! Removes the temporaries that killed processes left behind.

use super::sub_root;
use super::temp_root;
use crate::error::Error;
use crate::metadata;
use crate::path;
use crate::resolve::{Root, Scope};
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Removes stale temporaries of the effective user from a directory. Returns their paths.
///
/// A temporary is stale when its content and its inode are unchanged for `older_than` and no live
/// process holds its lock.
///
/// A temporary root ([`super::temp_root`]) is removed with its content, if it is private and no other
/// user can have renamed it: another user who may do that in the directory could give its name to
/// any directory of this user, and so have a tree removed that they may not remove themselves.
///
/// A temporary is a regular file, the symlink of a copied link, or the empty directory of
/// [`crate::make_dirs`], whose whole name has the form of `temporary/name.rs`. Streams and staged files lock the name before the file exists, and the file itself, until they are
/// published. Any other temporary is written within one call, so `older_than` must be longer than
/// any write takes.
///
/// # Errors
///
/// As [`Root::open`]; otherwise the errno of reading the directory or of removing a temporary.
/// Temporaries removed before the error stay removed.
pub fn remove(raw: &[u8], older_than: Duration) -> Result<Vec<Vec<u8>>, Error> {
    remove_in(&Root::open(raw)?, older_than)
}

/// Removes stale temporaries from a directory beneath the root of a scope, as [`remove`].
///
/// # Errors
///
/// As [`sub_root::open`]; otherwise as [`remove`].
pub fn remove_beneath(
    scope: &Scope<'_>,
    raw: &[u8],
    older_than: Duration,
) -> Result<Vec<Vec<u8>>, Error> {
    remove_in(&sub_root::open(scope, raw)?, older_than)
}

fn remove_in(root: &Root, older_than: Duration) -> Result<Vec<Vec<u8>>, Error> {
    let directory = root.directory();
    let dir = directory.as_fd();
    // Separate descriptor: name locks are tested through an open file description of this call
    // alone.
    let readable = temporary::readable(dir);
    let is_exclusive = !sys::HAS_MODES || !metadata::others_may_rename_in(&sys::fstat(dir)?);
    let mut removed = Vec::new();
    for name in sys::list(dir)? {
        if temp_root::is_name_of_one(&name) {
            if is_exclusive && remove_temp_root(dir, &name, older_than)? {
                removed.push(path::join(root.real(), &name).into_owned());
            }
            continue;
        }
        if !temporary::is_name_of_one(&name)
            || readable
                .as_ref()
                .is_some_and(|dir| temporary::is_name_locked(dir.as_fd(), &name))
        {
            continue;
        }
        let Some(stale) = Stale::find(dir, &name, older_than)? else {
            continue;
        };
        let unlinked = if stale.is_directory {
            sys::remove_dir_at(dir, &name)
        } else {
            sys::unlink_at(dir, &name)
        };
        match unlinked {
            Ok(()) => removed.push(path::join(root.real(), &name).into_owned()),
            // Another process removed it first.
            Err(os) if os.errno == sys::ENOENT => {}
            // A directory that has content is none of ours.
            Err(os) if stale.is_directory && matches!(os.errno, sys::ENOTEMPTY | sys::EEXIST) => {}
            Err(os) => return Err(os.into()),
        }
        drop(stale);
    }
    Ok(removed)
}

/// Removes a temporary root, with its content, whose process is gone: no process holds its lock. Returns
/// whether it was removed. One that cannot be opened or locked stays.
fn remove_temp_root(
    parent: BorrowedFd<'_>,
    name: &[u8],
    older_than: Duration,
) -> Result<bool, Error> {
    let Ok(stat) = sys::fstatat(parent, name) else {
        return Ok(false);
    };
    // A umask may have taken bits of the owner, and its process died before it added them.
    let is_private = !sys::HAS_MODES || stat.mode & metadata::SHARED_BITS == 0;
    let is_stale = stat.is_directory()
        && is_private
        && metadata::is_own(stat.uid)
        && age(&stat).is_some_and(|age| age >= older_than);
    if !is_stale {
        return Ok(false);
    }
    let Ok(dir) = temp_root::open_own(parent, name) else {
        return Ok(false);
    };
    let is_dead = sys::fstat(dir.as_fd())?.is_same_object(&stat)
        && matches!(sys::try_lock(dir.as_fd()), Ok(true));
    if !is_dead {
        return Ok(false);
    }
    match temp_root::remove_locked(parent, name, dir.as_fd(), &|| false) {
        Ok(count) => Ok(count > 0),
        Err(failure) => Err(failure.error),
    }
}

/// A temporary that may be removed. Its lock is held until the removal, so that a maker that locks
/// the file meanwhile finds it removed.
struct Stale {
    _locked: Option<OwnedFd>,
    is_directory: bool,
}

impl Stale {
    fn find(dir: BorrowedFd<'_>, name: &[u8], older_than: Duration) -> Result<Option<Self>, Error> {
        let stat = match sys::fstatat(dir, name) {
            Ok(stat) => stat,
            Err(os) if os.errno == sys::ENOENT => return Ok(None),
            Err(os) => return Err(os.into()),
        };
        let is_old = (stat.is_file() || stat.is_symlink() || stat.is_directory())
            && metadata::is_own(stat.uid)
            && age(&stat).is_some_and(|age| age >= older_than);
        Ok(match (is_old, stat.is_file()) {
            (false, _) => None,
            (true, true) => Self::lock(dir, name, &stat),
            // The link that a copy made before it replaces something, or a directory before it has
            // its name. Neither can be locked.
            (true, false) => Some(Self {
                _locked: None,
                is_directory: stat.is_directory(),
            }),
        })
    }

    /// Locks the file if no process holds its lock. A file that cannot be opened (EACCES, EPERM) or
    /// locked is judged by its age. Any other failure returns `None`, and the file stays.
    fn lock(dir: BorrowedFd<'_>, name: &[u8], seen: &Stat) -> Option<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = match sys::open_at(dir, name, flags) {
            Ok(file) => file,
            Err(os) => {
                let is_denied = matches!(os.errno, sys::EACCES | sys::EPERM);
                return is_denied.then_some(Self {
                    _locked: None,
                    is_directory: false,
                });
            }
        };
        // Another file has the name: a live process put it there.
        if !sys::fstat(file.as_fd()).ok()?.is_same_object(seen) {
            return None;
        }
        let is_locked_by_maker = matches!(sys::try_lock(file.as_fd()), Ok(false));
        (!is_locked_by_maker).then_some(Self {
            _locked: Some(file),
            is_directory: false,
        })
    }
}

/// Returns the time since the last change of content or inode; `None` for a timestamp in the
/// future.
fn age(stat: &Stat) -> Option<Duration> {
    let last = [stat.modified, stat.changed]
        .into_iter()
        .map(|time| {
            UNIX_EPOCH + Duration::new(u64::try_from(time.seconds).unwrap_or(0), time.nanoseconds)
        })
        .max()?;
    SystemTime::now().duration_since(last).ok()
}
