//! A private directory for the life of a process: created with an unguessable name, locked, and
//! removed with its content.

use super::failure::Failure;
use super::remove::{Modes, remove_tree};
use super::tree::{Tree, permit};
use super::write::IsAborted;
use crate::error::{Code, Error, Os, Refusal};
use crate::metadata;
use crate::path;
use crate::path::reserved::{self, TEMPORARY_ROOT};
use crate::resolve::{Resolver, Root};
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::with_random_name;
use std::sync::Arc;

const PRIVATE: u32 = 0o700;

/// A directory that exists until it is removed. [`super::clean`] removes it when its process is
/// gone.
#[derive(Debug)]
pub struct TempRoot {
    parent: Arc<OwnedFd>,
    name: Vec<u8>,
    /// The directory, locked (`flock`).
    dir: OwnedFd,
    root: Arc<Root>,
}

impl TempRoot {
    /// Creates a directory with mode 0700 in an existing one. `is_shared` demands of that one what
    /// a directory like `/tmp` has: it belongs to root or this user, and no other user may rename
    /// entries in it.
    ///
    /// # Errors
    ///
    /// Those of [`Root::open`]; [`Code::InsecurePermissions`]; otherwise what the system returned.
    pub fn create(parent: &[u8], prefix: &[u8], is_shared: bool) -> Result<Self, Error> {
        let above = Root::open(parent)?;
        let held = above.directory();
        if is_shared {
            check_shared(&sys::fstat(held.as_fd())?)?;
        }
        const TRIES: u32 = 16;
        let mut cause = None;
        for _ in 0..TRIES {
            let mut name = Vec::new();
            let made = with_random_name(TEMPORARY_ROOT, |random| {
                name = [prefix, random].concat();
                sys::make_dir_at(held.as_fd(), &name, PRIVATE)
            });
            match made {
                Ok(_) => {}
                // The parent is gone.
                Err(os) if os.errno == sys::ENOENT => {
                    cause = Some(os);
                    continue;
                }
                Err(os) => return Err(os.into()),
            }
            match Self::open(&above, &held, &name) {
                Ok(Some(opened)) => return Ok(opened),
                Ok(None) => {}
                // Whoever cleans up removed it before it was opened.
                Err(os) if os.errno == sys::ENOENT => cause = Some(os),
                Err(os) => {
                    let error = Error::from(os);
                    return Err(match remove_made(held.as_fd(), &name) {
                        Ok(()) => error,
                        Err(os) => error.leaving(|remains| {
                            let path = path::join(above.real(), &name).into_owned();
                            remains.temporary = Some((path, os));
                        }),
                    });
                }
            }
        }
        Err(match cause {
            Some(os) if sys::fstat(held.as_fd()).is_ok_and(|stat| stat.nlink == 0) => os.into(),
            _ => Error::refused(Code::PathMismatch, "retries"),
        })
    }

    /// Opens and locks the directory that was made. Returns `None` if another process has removed it
    /// or is about to.
    fn open(above: &Root, held: &Arc<OwnedFd>, name: &[u8]) -> Result<Option<Self>, Os> {
        let dir = open_private(held.as_fd(), name)?;
        // Whoever cleans up meanwhile takes it for one of a dead process.
        let is_judged = matches!(sys::try_lock(dir.as_fd()), Ok(false));
        let stat = sys::statx(dir.as_fd())?;
        let is_there =
            sys::fstatat(held.as_fd(), name).is_ok_and(|seen| seen.is_same_object(&stat));
        if is_judged || !is_there {
            return Ok(None);
        }
        let real = path::join(above.real(), name).into_owned();
        let copy = dir.try_clone().map_err(|error| Os {
            errno: error.raw_os_error().unwrap_or(sys::EMFILE),
            syscall: "fcntl",
        })?;
        Ok(Some(Self {
            parent: Arc::clone(held),
            name: name.to_vec(),
            root: Arc::new(Root::from_fd(copy, &stat, real.clone(), real)),
            dir,
        }))
    }

    /// Returns the directory as a root.
    #[must_use]
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// Removes the directory with its content. Returns the number of entries.
    ///
    /// # Errors
    ///
    /// Those of [`super::remove::remove`] for a tree; [`Code::PathMismatch`] when another directory
    /// has the name.
    pub fn remove(&self, is_aborted: IsAborted<'_>) -> Result<u64, Failure> {
        remove_locked(
            self.parent.as_fd(),
            &self.name,
            self.dir.as_fd(),
            is_aborted,
        )
    }
}

/// Opens the directory that was made, and gives it its exact mode.
fn open_private(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    let dir = open_own(parent, name)?;
    let stat = sys::fstat(dir.as_fd())?;
    if sys::HAS_MODES && metadata::is_own(stat.uid) && stat.mode & 0o777 != PRIVATE {
        sys::change_mode(dir.as_fd(), stat.permissions() & !0o777 | PRIVATE)?;
    }
    Ok(dir)
}

/// Opens a directory of this user for reading. It gets the bits of its owner where they are missing:
/// the umask, or a default ACL, took them.
pub(super) fn open_own(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    match sys::open_at(parent, name, OFlag::O_RDONLY | flags) {
        Err(os) if sys::HAS_MODES && os.errno == sys::EACCES => {
            let dir = sys::open_at(parent, name, sys::SEARCH_ONLY | flags)?;
            permit(dir.as_fd())?;
            sys::open_at(dir.as_fd(), b".", OFlag::O_RDONLY | flags)
        }
        result => result,
    }
}

/// Removes the empty directory that was made, after a failure. Only its maker knows the name.
fn remove_made(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    match sys::remove_dir_at(parent, name) {
        Err(os) if os.errno != sys::ENOENT => Err(os),
        _ => Ok(()),
    }
}

/// Refuses a directory in which another user could exchange what this one creates.
fn check_shared(parent: &Stat) -> Result<(), Error> {
    if !metadata::others_may_rename_in(parent) || !sys::HAS_MODES {
        return Ok(());
    }
    Err(Refusal {
        mode: Some(parent.permissions()),
        uid: Some(parent.uid),
        euid: metadata::effective_user(),
        ..Refusal::new(Code::InsecurePermissions, "exchangeable")
    }
    .into())
}

/// Removes a directory that the caller has opened and locked.
pub(super) fn remove_locked(
    parent: BorrowedFd<'_>,
    name: &[u8],
    dir: BorrowedFd<'_>,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Failure> {
    match sys::fstatat(parent, name) {
        Ok(seen) if seen.is_same_object(&sys::fstat(dir)?) => {}
        Ok(_) => return Err(Error::refused(Code::PathMismatch, "exchanged").into()),
        Err(os) if os.errno == sys::ENOENT => return Ok(0),
        Err(os) => return Err(os.into()),
    }
    let tree = Tree::new(parent, Resolver::detect())?;
    match remove_tree(tree, parent, name, Modes::Widened, is_aborted) {
        Err(failure) if failure.error.code() == Some(Code::NotFound) => Ok(failure.done),
        result => result,
    }
}

/// Returns whether a name has the form of a temporary root's.
pub(super) fn is_name_of_one(name: &[u8]) -> bool {
    reserved::before_digits(name, TEMPORARY_ROOT).is_some()
}
