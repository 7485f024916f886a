//! Applies owner, ACL and mode to a temporary, through its descriptor, before it has any content.

use super::rules::{Preserved, Rules};
use crate::error::{Error, Os};
use crate::metadata::{self, Acl};
use crate::sys::{self, BorrowedFd, Stat};

/// The mode of a temporary until its final mode is applied.
pub(super) const PRIVATE: u32 = 0o600;

/// The file that the write replaces.
#[derive(Debug)]
pub(crate) struct OldFile {
    pub(crate) stat: Stat,
    /// Its ACL; read only where the write keeps it.
    pub(crate) acl: Option<Acl>,
}

impl OldFile {
    /// Returns a value that changes when owner, ACL or mode change, or when another file has the
    /// name.
    pub(super) fn version(&self) -> impl PartialEq + use<> {
        let Stat {
            dev,
            ino,
            mode,
            uid,
            gid,
            changed,
            ..
        } = self.stat;
        (dev, ino, mode, uid, gid, changed)
    }
}

/// The metadata that a temporary is to get.
#[derive(Debug)]
pub(super) struct Plan {
    mode: Option<u32>,
    new_file_mode: u32,
    old_file: Option<OldFile>,
}

/// The metadata that a temporary got.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) stat: Stat,
    pub(super) preserved: Option<Preserved>,
}

impl Plan {
    pub(super) fn new(rules: &Rules, old_file: Option<OldFile>) -> Self {
        Self {
            mode: rules.mode,
            new_file_mode: rules.new_file_mode,
            old_file,
        }
    }

    /// Returns the file that the write replaces.
    pub(super) fn old_file(&self) -> Option<&OldFile> {
        self.old_file.as_ref()
    }

    /// Returns the mode that the caller gave.
    pub(super) fn mode(&self) -> Option<u32> {
        self.mode
    }

    /// Returns the permission bits of a new file.
    pub(super) fn new_bits(&self) -> u32 {
        self.mode.unwrap_or(self.new_file_mode)
    }

    /// Returns the mode to create the temporary with. It is the final mode where that grants
    /// nothing more meanwhile, which saves the `fchmod`; otherwise [`PRIVATE`].
    ///
    /// A process that opens the empty file through excess bits can read what is written later. The
    /// group of a new file is unknown before it exists (setgid directories, mount options).
    pub(super) fn first_mode(&self) -> u32 {
        let is_final = match &self.old_file {
            None => !self.mode.is_some_and(needs_no_acl),
            Some(old_file) => old_file.acl.is_none() && metadata::classes_are_equal(self.bits()),
        };
        if is_final { self.bits() } else { PRIVATE }
    }

    /// Returns the requested permission bits.
    fn bits(&self) -> u32 {
        let old = self
            .old_file
            .as_ref()
            .map(|old_file| old_file.stat.mode & 0o777);
        self.mode.or(old).unwrap_or(self.new_file_mode)
    }

    /// Applies owner, ACL and mode to a temporary whose stat is `first`. Returns the resulting
    /// stat.
    ///
    /// The order keeps every step possible and every intermediate state private:
    ///
    /// 1. The group.
    /// 2. ACL and mode, while the file is ours: on a foreign file they need CAP_FOWNER.
    /// 3. The owner.
    ///
    /// # Errors
    ///
    /// What the system returned, except errnos that only report that an owner or an ACL cannot be
    /// kept.
    pub(super) fn apply_metadata(&self, fd: BorrowedFd<'_>, first: Stat) -> Result<Applied, Error> {
        let Some(old_file) = &self.old_file else {
            let bits = match self.mode {
                Some(mode) => bits_without_acl(fd, mode)?,
                None => self.new_file_mode,
            };
            return Ok(Applied {
                stat: with_mode(fd, first, bits)?,
                preserved: None,
            });
        };
        let depends_on_group = self.mode.is_some_and(needs_no_acl)
            || old_file.acl.is_some()
            || !metadata::classes_are_equal(self.bits());
        let stat = if depends_on_group {
            give(fd, first, &old_file.stat, Give::Group)?
        } else {
            first
        };
        let keeps_group = !depends_on_group || metadata::is_same_group(&stat, &old_file.stat);
        let (stat, acl, bits) = match self.mode {
            Some(mode) => (stat, false, bits_without_acl(fd, mode)?),
            None => keep_acl(fd, stat, old_file, keeps_group)?,
        };
        let stat = with_mode(fd, stat, bits)?;
        let rest = if depends_on_group {
            Give::Owner
        } else {
            Give::Both
        };
        let stat = give(fd, stat, &old_file.stat, rest)?;
        let keeps_owner = metadata::is_same_owner(&stat, &old_file.stat)
            && metadata::is_same_group(&stat, &old_file.stat);
        Ok(Applied {
            preserved: Some(Preserved {
                // Setuid, setgid and sticky count: they are dropped, so the mode is not kept.
                mode: stat.permissions() == old_file.stat.permissions(),
                acl,
                owner: keeps_owner && sys::keeps_owner(fd, old_file.acl.as_ref().map(Acl::stored)),
            }),
            stat,
        })
    }
}

impl Plan {
    /// Keeps the metadata that the file has, without setuid, setgid and sticky.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub(super) fn keep_metadata(&self, fd: BorrowedFd<'_>) -> Result<Applied, Error> {
        let stat = sys::fstat(fd)?;
        let stat = with_mode(fd, stat, stat.mode & 0o777)?;
        let preserved = self.old_file.as_ref().map(|old_file| Preserved {
            mode: stat.permissions() == old_file.stat.permissions(),
            acl: false,
            owner: metadata::is_same_owner(&stat, &old_file.stat)
                && metadata::is_same_group(&stat, &old_file.stat),
        });
        Ok(Applied { stat, preserved })
    }
}

/// Sets the permission bits unless they are set already, and reads the stat back. `fchmod` ignores
/// the umask.
fn with_mode(fd: BorrowedFd<'_>, stat: Stat, bits: u32) -> Result<Stat, Os> {
    if stat.permissions() == bits {
        return Ok(stat);
    }
    sys::change_mode(fd, bits)?;
    sys::fstat(fd)
}

/// What [`give`] changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Give {
    Group,
    Owner,
    Both,
}

/// Changes owner and group to those of the replaced file, as far as this process may. Returns the
/// resulting stat.
///
/// An id without a mapping in this user namespace is not kept: it shows as the overflow id, which
/// may be mapped to another user.
fn give(fd: BorrowedFd<'_>, stat: Stat, old_file: &Stat, what: Give) -> Result<Stat, Os> {
    let owner = (what != Give::Group && stat.uid != old_file.uid).then_some(old_file.uid);
    let owner = owner.filter(|uid| metadata::is_mapped(*uid));
    let group = (what != Give::Owner && stat.gid != old_file.gid).then_some(old_file.gid);
    let group = group.filter(|gid| metadata::is_mapped_group(*gid));
    if owner.is_none() && group.is_none() {
        return Ok(stat);
    }
    let mut result = sys::change_owner(fd, owner, group);
    if result.is_err_and(|os| metadata::cannot_be_kept(os.errno))
        && owner.is_some()
        && group.is_some()
    {
        // An unprivileged user may change the group to one of their own, but not the owner.
        result = sys::change_owner(fd, None, group);
    }
    match result {
        Err(os) if metadata::cannot_be_kept(os.errno) => Ok(stat),
        Err(os) => Err(os),
        // Some file systems return success and change nothing.
        Ok(()) => sys::fstat(fd),
    }
}

/// Applies the ACL of the replaced file, or removes the ACL inherited from the directory's default.
/// Returns the stat, whether the ACL equals the old one, and the permission bits that are safe with
/// the resulting ACL.
fn keep_acl(
    fd: BorrowedFd<'_>,
    stat: Stat,
    old_file: &OldFile,
    keeps_group: bool,
) -> Result<(Stat, bool, u32), Os> {
    let acl = old_file.acl.as_ref();
    let bits = |kept| metadata::kept_bits(old_file.stat.mode & 0o777, acl, kept, keeps_group);
    if let Some(acl) = acl.filter(|acl| acl.is_known()) {
        let changed = (!keeps_group).then(|| acl.for_another_group());
        let new = changed.as_ref().unwrap_or(acl);
        match sys::set_acl(fd, new.stored()) {
            Ok(()) => {
                let bits = bits(true);
                let is_same = new == acl && bits == old_file.stat.mode & 0o777;
                return Ok((sys::fstat(fd)?, is_same, bits));
            }
            Err(os) if metadata::cannot_be_kept(os.errno) => {}
            Err(os) => return Err(os),
        }
    }
    // Also where the mode masks it entirely: a later chmod would make it effective.
    let (is_gone, was_there) = remove_acl(fd)?;
    let stat = if was_there { sys::fstat(fd)? } else { stat };
    if is_gone {
        Ok((stat, acl.is_none(), bits(acl.is_none())))
    } else {
        Ok((stat, false, metadata::without_group_excess(bits(false))))
    }
}

/// Returns whether a mode is exact only without an ACL: an inherited entry could grant more than
/// the bits show.
pub(in crate::ops) fn needs_no_acl(mode: u32) -> bool {
    sys::HAS_MODES && (!sys::MODE_MASKS_ACL || metadata::group_exceeds_others(mode))
}

/// Removes an inherited ACL that could grant more than these bits. Returns the bits, reduced by
/// what the ACL could grant if it is still there.
pub(in crate::ops) fn bits_without_acl(fd: BorrowedFd<'_>, mode: u32) -> Result<u32, Os> {
    if !needs_no_acl(mode) || remove_acl(fd)?.0 {
        Ok(mode)
    } else {
        Ok(metadata::without_group_excess(mode))
    }
}

/// Returns the mode to create a file with that gets `mode` by [`make_exact`]. An inherited ACL grants
/// nothing until it is removed: a process that opens the empty file can read what is written later.
pub(in crate::ops) fn first_mode(mode: u32) -> u32 {
    if needs_no_acl(mode) {
        mode & PRIVATE
    } else {
        mode
    }
}

/// Gives a new file exactly these bits, whatever umask and inherited ACL made of them.
pub(in crate::ops) fn make_exact(fd: BorrowedFd<'_>, stat: &Stat, mode: u32) -> Result<(), Os> {
    let bits = bits_without_acl(fd, mode)?;
    if sys::HAS_MODES && stat.permissions() & 0o777 != bits {
        sys::change_mode(fd, bits)?;
    }
    Ok(())
}

/// Removes the ACL of a file. Returns whether it has none now, and whether it may have had one.
fn remove_acl(fd: BorrowedFd<'_>) -> Result<(bool, bool), Os> {
    match sys::get_acl(fd) {
        Ok(None) => return Ok((true, false)),
        Err(os) if !metadata::cannot_be_kept(os.errno) => return Err(os),
        Ok(Some(_)) | Err(_) => {}
    }
    match sys::remove_acl(fd) {
        Ok(()) => Ok((true, true)),
        Err(os) if metadata::cannot_be_kept(os.errno) => Ok((false, true)),
        Err(os) => Err(os),
    }
}
