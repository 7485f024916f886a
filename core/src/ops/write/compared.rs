//! The file that an update compares before its publication, and looks at once more after it.

use super::apply_metadata::{OldFile, Plan};
use super::in_place;
use crate::metadata::Acl;
use crate::path;
use crate::sys::{self, AsFd, BorrowedFd, OwnedFd, Stat};

/// The file that an update replaces, as of the comparison right before.
pub(super) struct Compared {
    stat: Stat,
    /// `None` where it could not be locked.
    locked: Option<LockedFile>,
}

/// A file that is locked.
pub(super) struct LockedFile {
    _lock: in_place::Lock,
    fd: OwnedFd,
    stat: Stat,
}

impl LockedFile {
    pub(super) fn new(lock: in_place::Lock, fd: OwnedFd, stat: Stat) -> Self {
        Self {
            _lock: lock,
            fd,
            stat,
        }
    }
}

impl Compared {
    pub(super) fn new(stat: Stat, locked: Option<LockedFile>) -> Self {
        Self {
            stat,
            locked: locked.filter(|locked| locked.stat.is_same_object(&stat)),
        }
    }

    /// Returns whether the file that has the name of the temporary since the exchange is this one, and
    /// still has the metadata that the new file got.
    ///
    /// `None`: a program that cleans up was faster. Whether it removed this file, its last name shows:
    /// a file that was replaced or removed before the exchange had another one.
    pub(super) fn is_now(
        &self,
        plan: &Plan,
        (dir, temporary): (BorrowedFd<'_>, &[u8]),
        seen: Option<&Stat>,
    ) -> bool {
        let fd = self.locked.as_ref().map(|locked| locked.fd.as_fd());
        let Some(old_file) = plan.old_file() else {
            return false;
        };
        let is_unchanged = |now: &Stat| {
            now.is_same_object(&self.stat)
                && (now.size, now.modified) == (self.stat.size, self.stat.modified)
                && (now.mode, now.uid, now.gid)
                    == (old_file.stat.mode, old_file.stat.uid, old_file.stat.gid)
        };
        let keeps_acl = plan.mode().is_none();
        let has_acl = |fd, name| !keeps_acl || has_acl_of(fd, name, old_file);
        let name = Some((dir, temporary));
        match (seen, fd) {
            (Some(now), Some(fd)) => is_unchanged(now) && has_acl(fd, name),
            (Some(now), None) if keeps_acl => {
                is_unchanged(now)
                    && matches!(
                        sys::open_path_only(dir, temporary, false),
                        Ok((Some(fd), opened)) if opened.is_same_object(now)
                            && has_acl(fd.as_fd(), name)
                    )
            }
            (Some(now), None) => is_unchanged(now),
            (None, Some(fd)) => {
                had_name(fd, dir, temporary)
                    && sys::fstat(fd).is_ok_and(|now| is_unchanged(&now))
                    && has_acl(fd, None)
            }
            (None, None) => false,
        }
    }
}

/// Returns whether a file has the ACL that it had when it was inspected. One that could not be read then
/// cannot be compared, and was not given to the new file.
fn has_acl_of(
    fd: BorrowedFd<'_>,
    name: Option<(BorrowedFd<'_>, &[u8])>,
    old_file: &OldFile,
) -> bool {
    Acl::read(sys::get_acl_of_path_fd(fd, name)).is_ok_and(|acl| acl == old_file.acl)
}

/// Returns whether the last name of a file that has none now was this one, as Linux shows it.
pub(super) fn had_name(file: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    match (sys::fd_path(file), sys::fd_path(directory)) {
        (Ok(last), Ok(dir)) => last
            .strip_suffix(b" (deleted)")
            .is_some_and(|last| last == &*path::join(&dir, name)),
        _ => false,
    }
}
