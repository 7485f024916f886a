//! Controls who may use a file during and after an in-place write.
//!
//! Until the new content is complete, the mode is the intersection of the old and the new mode:
//! neither content is shown to users whom its own mode excludes. A file that was renamed onto the
//! staged file's name never grants more than it did, as with a rename.

use crate::error::{Error, Os};
use crate::metadata::{self, Acl};
use crate::ops::write::fsync_errors;
use crate::ops::write::rules::Preserved;
use crate::ops::write::swapped_in_file::SwappedInFile;
use crate::sys::{self, BorrowedFd, Stat};

/// The permissions of the file before, during and after the write.
pub(super) struct Access {
    old: u32,
    /// `Err`: this process cannot read the ACL.
    old_acl: Result<Option<Vec<u8>>, Os>,
    new: u32,
    /// The mode during the write.
    narrow: u32,
    removes_acl: bool,
    keeps_mode: bool,
    shows_substitute: bool,
}

impl Access {
    /// Computes the permissions. Changes nothing.
    ///
    /// # Errors
    ///
    /// What the system returned, except errnos that only report that the ACL cannot be read.
    pub(super) fn new(
        fd: BorrowedFd<'_>,
        old: &Stat,
        mode: Option<u32>,
        swapped_in_file: Option<&SwappedInFile>,
    ) -> Result<Self, Os> {
        let old_acl = match sys::get_acl(fd) {
            Err(os) if !metadata::cannot_be_kept(os.errno) => return Err(os),
            acl => acl,
        };
        let has_acl = !matches!(old_acl, Ok(None));
        let is_private =
            swapped_in_file.is_some_and(|swapped_in_file| !swapped_in_file.is_public());
        // Named ACL entries would show the staged file to users who could not read it.
        let drops_acl = has_acl && (mode.is_some() || is_private);
        let removes_acl = drops_acl && old_acl.is_ok();
        let keeps_acl = has_acl && !drops_acl;
        let most = swapped_in_file.map_or(0o777, |swapped_in_file| {
            0o700 | swapped_in_file.bound(!keeps_acl && swapped_in_file.has_group(old.gid))
        });
        let mut new = mode.unwrap_or_else(|| match &old_acl {
            Ok(Some(acl)) if drops_acl => {
                let acl = Acl::parse(acl.clone());
                metadata::kept_bits(old.mode & 0o777, Some(&acl), false, true)
            }
            // Setuid, setgid and sticky are dropped, as by a rename.
            _ => old.mode & 0o777,
        }) & most;
        let mut narrow = old.permissions() & new;
        if removes_acl {
            // Removing an ACL leaves its mask as the group bits, and drops its denials by name.
            narrow &= 0o700;
        } else if drops_acl {
            // A removed ACL could not be restored after a failure, so it stays and is masked.
            new &= 0o707;
            narrow &= 0o700;
        }
        Ok(Self {
            old: old.permissions(),
            old_acl,
            new,
            narrow,
            removes_acl,
            keeps_mode: mode.is_none(),
            shows_substitute: is_private && has_acl || old.mode & 0o777 & !most != 0,
        })
    }

    /// Returns whether a user who could open the target could not have opened the file that was
    /// renamed onto the staged one. An already open descriptor shows the new content whatever mode
    /// the target gets.
    pub(super) fn shows_substitute(&self) -> bool {
        self.shows_substitute
    }

    fn is_changed(&self) -> bool {
        self.new != self.old || self.removes_acl
    }

    /// Removes the permissions that are not granted during the write.
    ///
    /// # Errors
    ///
    /// What the system returned; then nothing has changed.
    pub(super) fn narrow(&self, fd: BorrowedFd<'_>) -> Result<(), Error> {
        if !self.is_changed() {
            return Ok(());
        }
        // Also where this removes nothing: a caller that may not change the mode gets the error
        // now.
        sys::change_mode(fd, self.narrow)?;
        if self.removes_acl {
            sys::remove_acl(fd).map_err(|os| self.restore_after(os.into(), fd))?;
        }
        Ok(())
    }

    /// Applies the new mode, and syncs the file.
    pub(super) fn finish(&self, fd: BorrowedFd<'_>) -> Result<(), Os> {
        if !self.is_changed() {
            return Ok(());
        }
        sys::change_mode(fd, self.new)?;
        fsync_errors::sync_file(fd)
    }

    /// Restores the old ACL and mode after an error, once the file has its old content. Where that
    /// fails, the file has fewer permissions, and the returned error tells it.
    pub(super) fn restore_after(&self, error: Error, fd: BorrowedFd<'_>) -> Error {
        if !self.is_changed() {
            return error;
        }
        // Without the ACL, the old mode would give the bits of its mask to the group.
        match self
            .restore_acl(fd)
            .and_then(|()| sys::change_mode(fd, self.old))
        {
            Ok(()) => error,
            Err(os) => self.tell(error, fd, Some(os)),
        }
    }

    fn restore_acl(&self, fd: BorrowedFd<'_>) -> Result<(), Os> {
        match (self.removes_acl, &self.old_acl) {
            (true, Ok(Some(acl))) => sys::set_acl(fd, acl),
            _ => Ok(()),
        }
    }

    /// Adds to an error the mode of the file, which keeps it. `os` is why it could not be restored;
    /// `None` for a file that may hold part of the new content.
    pub(super) fn tell(&self, error: Error, fd: BorrowedFd<'_>, os: Option<Os>) -> Error {
        let mode = sys::fstat(fd).map_or(self.narrow, |stat| stat.permissions());
        // Setting the ACL sets the mode as well, so that a later failure changes nothing.
        let has_old_acl = !self.removes_acl
            || sys::get_acl(fd).is_ok_and(|acl| self.old_acl.as_ref().is_ok_and(|old| *old == acl));
        if mode == self.old && has_old_acl {
            return error;
        }
        error.leaving(|remains| remains.mode = Some((mode, os)))
    }

    /// Compares the file, whose stat is `now`, with its old state.
    pub(super) fn preserved(&self, fd: BorrowedFd<'_>, old: &Stat, now: &Stat) -> Preserved {
        let old_acl = self.old_acl.as_ref().ok().map(Option::as_deref);
        let is_same_acl =
            old_acl.is_some_and(|old| sys::get_acl(fd).is_ok_and(|now| now.as_deref() == old));
        let keeps_owner = metadata::is_same_owner(now, old) && metadata::is_same_group(now, old);
        let kept_acl = old_acl.flatten().filter(|_| self.keeps_mode);
        Preserved {
            mode: now.permissions() == old.permissions(),
            acl: self.keeps_mode && is_same_acl,
            owner: keeps_owner && sys::keeps_owner(fd, kept_acl),
        }
    }
}
