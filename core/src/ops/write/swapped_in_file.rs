//! A file that was renamed onto the name of a staged one: by its producer, or by another user with
//! write permission on the directory. It never grants more than it did before.

use super::apply_metadata::{Applied, Plan};
use super::rules::Preserved;
use crate::error::{Error, Os};
use crate::metadata::{self, Acl};
use crate::sys::{self, BorrowedFd, Stat};

/// The permissions of such a file when it was found.
#[derive(Debug)]
pub(super) struct SwappedInFile {
    mode: u32,
    gid: u32,
    acl: Option<Acl>,
}

impl SwappedInFile {
    /// Reads the permissions of a file. An ACL that cannot be read may deny anything.
    pub(super) fn new(fd: BorrowedFd<'_>, stat: &Stat) -> Self {
        let acl = sys::get_acl(fd).map_or_else(|_| Some(Acl::unknown()), |acl| acl.map(Acl::parse));
        Self {
            mode: stat.mode & 0o777,
            gid: stat.gid,
            acl,
        }
    }

    /// Returns the upper bound for the bits of group and others, without the file's ACL.
    pub(super) fn bound(&self, has_own_group: bool) -> u32 {
        metadata::kept_bits(self.mode, self.acl.as_ref(), false, has_own_group)
    }

    /// Returns whether its group is `gid`, as far as ids prove it.
    pub(super) fn has_group(&self, gid: u32) -> bool {
        self.gid == gid && metadata::is_mapped_group(gid)
    }

    /// Removes the file's ACL, and returns the upper bound. Where the ACL stays, its mask must
    /// grant nothing.
    fn bound_without_acl(&self, fd: BorrowedFd<'_>, has_own_group: bool) -> Result<u32, Os> {
        let is_gone = tolerated(sys::remove_acl(fd))?;
        let bound = self.bound(has_own_group);
        Ok(if is_gone { bound } else { bound & 0o707 })
    }

    /// Returns whether every user may read the file, so that a new owner or a named ACL entry
    /// discloses nothing.
    pub(super) fn is_public(&self) -> bool {
        self.bound(false) & 0o004 != 0
    }

    /// Applies owner, ACL and mode as [`Plan::apply_metadata`] does, within the file's own
    /// permissions.
    ///
    /// The owner and the ACL of the replaced file are kept only for a file that every user may
    /// read: otherwise they would disclose its content.
    ///
    /// # Errors
    ///
    /// What the system returned, except errnos that only report that an owner or an ACL cannot be
    /// kept.
    pub(super) fn apply_metadata(&self, plan: &Plan, fd: BorrowedFd<'_>) -> Result<Applied, Error> {
        sys::change_mode(fd, self.mode & 0o700)?;
        let Some(old_file) = plan.old_file() else {
            let most = self.bound_without_acl(fd, true)?;
            sys::change_mode(fd, plan.new_bits() & (0o700 | most))?;
            return Ok(Applied {
                stat: sys::fstat(fd)?,
                preserved: None,
            });
        };
        let old = &old_file.stat;
        let first = sys::fstat(fd)?;
        if first.gid != old.gid {
            tolerated(sys::change_owner(fd, None, Some(old.gid)))?;
        }
        let group = sys::fstat(fd)?.gid;
        let (keeps_group, has_own_group) = (group == old.gid, group == first.gid);
        let known = old_file.acl.as_ref().filter(|acl| acl.is_known());
        // The group bits are the ACL's mask, which bounds named entries too. The ACL is reduced
        // before it is set: a process that opens the file through more bits keeps that descriptor.
        let new = known.map(|acl| {
            if keeps_group {
                acl.within(self.bound(false))
            } else {
                acl.for_another_group().within(self.bound(false))
            }
        });
        let kept = match (plan.mode(), &new) {
            (None, Some(acl)) if self.is_public() => tolerated(sys::set_acl(fd, acl.stored()))?,
            _ => false,
        };
        let wanted = plan.mode().unwrap_or_else(|| {
            metadata::kept_bits(old.mode & 0o777, old_file.acl.as_ref(), kept, keeps_group)
        });
        let most = if kept {
            self.bound(false)
        } else {
            self.bound_without_acl(fd, has_own_group)?
        };
        let bits = wanted & (0o700 | most);
        sys::change_mode(fd, bits)?;
        let is_same_acl =
            old_file.acl.is_none() || kept && new.as_ref() == known && bits == old.mode & 0o777;
        if first.uid != old.uid && self.is_public() && metadata::is_mapped(old.uid) {
            tolerated(sys::change_owner(fd, Some(old.uid), None))?;
        }
        let stat = sys::fstat(fd)?;
        Ok(Applied {
            preserved: Some(Preserved {
                mode: stat.permissions() == old.permissions(),
                acl: plan.mode().is_none() && is_same_acl,
                owner: stat.uid == old.uid && stat.gid == old.gid,
            }),
            stat,
        })
    }
}

/// Returns whether a change was made; an errno that only reports that it cannot be made is false.
fn tolerated(result: Result<(), Os>) -> Result<bool, Os> {
    match result {
        Ok(()) => Ok(true),
        Err(os) if metadata::cannot_be_kept(os.errno) => Ok(false),
        Err(os) => Err(os),
    }
}
