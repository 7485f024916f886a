//! Owner, ACL and mode of a temporary: settled on its descriptor before it has any content.

use super::{Preserved, Rules};
use crate::error::{Error, Os};
use crate::permission::{self, Acl};
use crate::sys::{self, BorrowedFd, Stat};

/// The mode of a temporary that is not yet what it will be.
pub(super) const PRIVATE: u32 = 0o600;

/// The file that is to be replaced.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) stat: Stat,
    /// Looked for only where it is to be kept and the mode shows that it could grant anything.
    pub(super) acl: Option<Acl>,
}

/// What a temporary is to become.
#[derive(Debug)]
pub(super) struct Plan {
    mode: Option<u32>,
    new_file_mode: u32,
    target: Option<Target>,
}

/// What it became.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) stat: Stat,
    pub(super) preserved: Option<Preserved>,
}

impl Plan {
    pub(super) fn new(rules: &Rules, target: Option<Target>) -> Self {
        Self {
            mode: rules.mode,
            new_file_mode: rules.new_file_mode,
            target,
        }
    }

    /// The mode to create the temporary with: the final one, where that is safe at once, so that
    /// no `fchmod` is needed.
    ///
    /// It is not safe where group or ACL are still to change and mean more than others: whoever
    /// opened the empty file through them would read what is written later.
    pub(super) fn first_mode(&self) -> u32 {
        let Some(target) = &self.target else {
            return self.mode.unwrap_or(self.new_file_mode);
        };
        let bits = self.mode.unwrap_or(target.stat.mode & 0o777);
        let group_has_no_more_than_others = (bits >> 3) & !bits & 0o7 == 0;
        if target.acl.is_none() && group_has_no_more_than_others {
            bits
        } else {
            PRIVATE
        }
    }

    /// Gives the temporary, which is as `first` says, its owner, ACL and mode, and reads back what
    /// it has then.
    ///
    /// # Errors
    ///
    /// What the system answered, unless it only says that an owner or an ACL cannot be kept.
    pub(super) fn settle(&self, fd: BorrowedFd<'_>, first: Stat) -> Result<Settled, Error> {
        let Some(target) = &self.target else {
            let bits = self.mode.unwrap_or(self.new_file_mode);
            return Ok(Settled {
                stat: with_mode(fd, first, bits)?,
                preserved: None,
            });
        };
        let (stat, owner) = keep_owner(fd, first, &target.stat)?;
        let keeps_group = stat.gid == target.stat.gid;
        let (stat, acl, bits) = match self.mode {
            Some(mode) => (stat, false, mode),
            None => {
                let (stat, kept) = keep_acl(fd, stat, target, keeps_group)?;
                let old = target.stat.mode & 0o777;
                let bits = permission::kept_bits(old, target.acl.as_ref(), kept, keeps_group);
                (stat, kept, bits)
            }
        };
        let stat = with_mode(fd, stat, bits)?;
        Ok(Settled {
            preserved: Some(Preserved {
                mode: stat.mode & 0o777 == target.stat.mode & 0o777,
                acl,
                owner: owner && sys::keeps_owner(fd, target.acl.as_ref().map(Acl::stored)),
            }),
            stat,
        })
    }
}

/// Sets the permission bits unless they are right, and reads back. No umask has a say in it.
fn with_mode(fd: BorrowedFd<'_>, stat: Stat, bits: u32) -> Result<Stat, Os> {
    if stat.permissions() == bits {
        return Ok(stat);
    }
    sys::change_mode(fd, bits)?;
    sys::status(fd)
}

/// Gives the file the owner and group of the one it replaces, as far as this process may.
fn keep_owner(fd: BorrowedFd<'_>, stat: Stat, target: &Stat) -> Result<(Stat, bool), Os> {
    let uid = (stat.uid != target.uid).then_some(target.uid);
    let gid = (stat.gid != target.gid).then_some(target.gid);
    if uid.is_none() && gid.is_none() {
        return Ok((stat, true));
    }
    let mut answer = sys::change_owner(fd, uid, gid);
    if answer.is_err_and(|os| is_not_allowed(os.errno)) && uid.is_some() && gid.is_some() {
        // One may give a file to a group one belongs to, though not to another user.
        answer = sys::change_owner(fd, None, gid);
    }
    match answer {
        Err(os) if !is_not_allowed(os.errno) => Err(os),
        _ => {
            let stat = sys::status(fd)?;
            let is_kept = stat.uid == target.uid && stat.gid == target.gid;
            Ok((stat, is_kept))
        }
    }
}

/// Gives the file the ACL of the one it replaces, or takes away the one that the directory's
/// default gave it.
fn keep_acl(
    fd: BorrowedFd<'_>,
    stat: Stat,
    target: &Target,
    keeps_group: bool,
) -> Result<(Stat, bool), Os> {
    match &target.acl {
        Some(acl) if !acl.is_known() => Ok((stat, false)),
        Some(acl) => {
            let answer = if keeps_group {
                sys::set_acl(fd, acl.stored())
            } else {
                sys::set_acl(fd, &acl.stored_for_another_group())
            };
            match answer {
                Ok(()) => Ok((sys::status(fd)?, true)),
                Err(os) if is_not_allowed(os.errno) => Ok((stat, false)),
                Err(os) => Err(os),
            }
        }
        // Also where the mode leaves it without effect: a later chmod would bring it to life.
        None => match sys::get_acl(fd) {
            Ok(Some(_)) => {
                sys::remove_acl(fd)?;
                Ok((sys::status(fd)?, true))
            }
            Ok(None) => Ok((stat, true)),
            Err(os) if is_not_allowed(os.errno) => Ok((stat, false)),
            Err(os) => Err(os),
        },
    }
}

/// The answers that only say that an attribute cannot be kept here: no right to it, no support
/// for it, or an id that has no meaning in this user namespace (EINVAL).
fn is_not_allowed(errno: i32) -> bool {
    matches!(
        errno,
        sys::EPERM | sys::EACCES | sys::ENOTSUP | sys::ENOSYS | sys::EINVAL
    )
}
