//! Locks the file that an update replaces, and publishes over it: only over that one, where the file system can exchange names.

use super::compared::{Compared, LockedFile};
use super::in_place;
use super::prepared::Prepared;
use super::rules::IsAborted;
use crate::error::{Code, Error, Os};
use crate::sys::{self, AsFd, OFlag, Stat};
use crate::temporary::{Attempt, Exchange, Method};

impl Prepared {
    /// Locks the file that is to be replaced, from the check to the rename. Two updates that both have a
    /// lock, since its file was removed, would both pass the check otherwise: now the second one finds
    /// that the first has replaced the file. Without write permission there is no lock.
    ///
    /// # Errors
    ///
    /// [`Code::LockTimeout`] where another program holds a lock on the file; [`Code::Aborted`].
    pub(super) fn lock_old_file(
        &self,
        is_aborted: IsAborted<'_>,
    ) -> Result<Option<LockedFile>, Error> {
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        if !cfg!(target_os = "linux") || !self.rules.overwrite {
            return Ok(None);
        }
        let directory = self.target.directory();
        let Ok(fd) = sys::open_at(directory.as_fd(), self.target.name(), flags) else {
            return Ok(None);
        };
        match sys::fstat(fd.as_fd()) {
            Ok(stat) if stat.is_file() => {
                match in_place::Lock::take(fd.as_fd(), &stat, in_place::UPDATE_WAIT, is_aborted) {
                    Ok(lock) => Ok(Some(LockedFile::new(lock, fd, stat))),
                    Err(_) if is_aborted() => Err(Error::refused(Code::Aborted, "")),
                    Err(os) => Err(Error::refused_by(Code::LockTimeout, "file", os)),
                }
            }
            _ => Ok(None),
        }
    }

    /// Publishes over the file that had the target's name when it was compared. `None`: the file system
    /// cannot exchange names, and nothing was done.
    ///
    /// # Errors
    ///
    /// [`Code::Conflict`] where another program moved, replaced or changed the file since;
    /// [`Code::PathMismatch`] where it did so again meanwhile, or what it replaced was removed since.
    pub(super) fn publish_exchanged(
        &mut self,
        compared: &Compared,
    ) -> Result<Option<Result<Attempt, Os>>, Error> {
        if self.applied.preserved.is_none() {
            // It was missing when its metadata were to be kept.
            return Err(Error::refused(Code::Conflict, ""));
        }
        let own = (&self.applied.stat, self.size);
        let directory = self.target.directory();
        let is_same = |temporary: &[u8], seen: Option<&Stat>| {
            compared.is_now(&self.plan, (directory.as_fd(), temporary), seen)
        };
        match self
            .temporary
            .publish_exchanged(self.target.name(), own, is_same)
        {
            Ok(Exchange::Published) => Ok(Some(Ok(Attempt::Published(Method::Rename)))),
            Ok(Exchange::NeedsNamedCopy) => Ok(Some(Ok(Attempt::NeedsNamedCopy))),
            Ok(Exchange::Unsupported) => Ok(None),
            Ok(Exchange::Conflict) => Err(Error::refused(Code::Conflict, "")),
            Ok(Exchange::Displaced(None)) => Err(Error::refused(Code::PathMismatch, "replaced")),
            Ok(Exchange::Unseen) => Err(Error::refused(Code::PathMismatch, "unseen")),
            Ok(Exchange::Displaced(Some((path, os)))) => {
                Err(Error::refused(Code::PathMismatch, "displaced")
                    .leaving(|remains| remains.temporary = Some((path, os))))
            }
            Err(os) => Ok(Some(Err(os))),
        }
    }
}
