//! The exact mode of a new directory that was made in place: the bits that the umask removed, and no
//! inherited ACL.

use super::owner_bits::remember_missing_owner_bits;
use crate::error::{Error, Os};
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag};

/// Adds the bits of the exact mode that the umask removed from a new directory.
///
/// The owner's own bits are harmless on every directory of ours. Bits for group and others are
/// added only if the directory is our own, has no bit beyond the mode, and is the created one. Returns
/// the errno of a `chmod` that this system or file system refuses.
pub(super) fn add_bits_taken_by_umask(
    parent: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    mode: u32,
) -> Result<Option<i32>, Error> {
    let stat = sys::fstat(dir)?;
    let has = stat.mode & 0o777;
    if has == mode || has & !mode != 0 || !metadata::is_own(stat.uid) {
        return Ok(None);
    }
    let special = stat.permissions() & !0o777;
    let for_owner = has | mode & 0o700;
    if for_owner != has {
        remember_missing_owner_bits();
    }
    if for_owner != has
        && let Some(errno) = change_mode(dir, special | for_owner)?
    {
        return Ok(Some(errno));
    }
    if for_owner == mode {
        return Ok(None);
    }
    match is_created_one(parent, dir) {
        Ok(true) => change_mode(dir, special | mode),
        Ok(false) => Ok(None),
        // Its owner lacks read permission on it: it keeps the mode that the umask left.
        Err(os) if os.errno == sys::EACCES => Ok(Some(os.errno)),
        Err(os) => Err(os.into()),
    }
}

/// Returns whether the directory that was opened by its name is certainly the created one: no other user
/// may rename in its parent, or else it is empty. Another call may have made an entry in it already.
pub(super) fn is_created_one(parent: BorrowedFd<'_>, dir: BorrowedFd<'_>) -> Result<bool, Os> {
    if sys::HAS_MODES && !metadata::others_may_rename_in(&sys::fstat(parent)?) {
        return Ok(true);
    }
    sys::is_empty_directory(dir)
}

/// Removes the access ACL that a new directory inherited from its parent's default, where an entry
/// could grant more than the mode. The default ACL stays, for files created in the directory.
///
/// Applies only to a directory that passes the test of [`add_bits_taken_by_umask`]. Where the ACL
/// cannot be removed, the group gets no more than others; returns the errno of that.
pub(super) fn remove_inherited_acl(
    parent: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    mode: u32,
) -> Result<Option<i32>, Error> {
    if !sys::HAS_MODES || !sys::MODE_MASKS_ACL || !metadata::group_exceeds_others(mode) {
        return Ok(None);
    }
    let stat = sys::fstat(dir)?;
    if !metadata::is_own(stat.uid) || stat.mode & 0o777 & !mode != 0 {
        return Ok(None);
    }
    let narrowed = stat.permissions() & !0o777 | metadata::without_group_excess(stat.mode & 0o777);
    let narrow = |os: Os| change_mode(dir, narrowed).map(|_| Some(os.errno));
    let readable = match sys::open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
        Ok(readable) => readable,
        // Its owner lacks read permission on it.
        Err(os) if os.errno == sys::EACCES => {
            return narrow(os);
        }
        Err(os) => return Err(os.into()),
    };
    let fd = readable.as_fd();
    match sys::get_acl(fd) {
        Ok(None) => return Ok(None),
        Err(os) if !metadata::cannot_be_kept(os.errno) => return Err(os.into()),
        Ok(Some(_)) | Err(_) => {}
    }
    if !is_created_one(parent, fd)? {
        return Ok(None);
    }
    match sys::remove_acl(fd) {
        Ok(()) => Ok(None),
        Err(os) if metadata::cannot_be_kept(os.errno) => narrow(os),
        Err(os) => Err(os.into()),
    }
}

/// Changes the mode. Returns the errno where modes cannot be changed here; the verb reports it in
/// its result.
pub(super) fn change_mode(dir: BorrowedFd<'_>, mode: u32) -> Result<Option<i32>, Error> {
    match sys::change_mode_of_path_fd(dir, mode) {
        Ok(()) => Ok(None),
        Err(os) if metadata::cannot_be_changed(os.errno) => Ok(Some(os.errno)),
        Err(os) => Err(os.into()),
    }
}
