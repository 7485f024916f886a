//! System calls, one small verb each, with the same signatures on every platform.
//!
//! A verb answers what the kernel said, as [`Os`](crate::error::Os): the raw errno and the call
//! as `node:fs` names it. Policy, and the meaning of an errno, live above.

#[cfg(target_os = "linux")]
mod acl;
#[cfg(target_os = "macos")]
mod acl_macos;
#[cfg(any(target_os = "macos", all(test, target_os = "linux")))]
#[cfg_attr(
    not(target_os = "macos"),
    allow(dead_code, reason = "only its tests are run elsewhere")
)]
mod by_name;
#[cfg(any(windows, test))]
#[cfg_attr(
    not(windows),
    allow(dead_code, reason = "only its tests are run elsewhere")
)]
mod descriptor;
#[cfg(target_os = "linux")]
mod file_system;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod listing;
#[cfg(target_os = "linux")]
mod look;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
mod procfs;
#[cfg_attr(not(target_os = "linux"), path = "no_range_lock.rs")]
mod range_lock;
mod stat;
#[cfg(target_os = "linux")]
mod statx;
#[cfg(target_os = "linux")]
mod superblock;
#[cfg(unix)]
mod unix;
#[cfg_attr(not(target_os = "linux"), path = "named_only.rs")]
mod unnamed;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use acl::{acl_grants, get_acl, get_acl_of_held, keeps_owner, remove_acl, set_acl};
#[cfg(target_os = "macos")]
pub(crate) use acl_macos::{
    acl_grants, get_acl, get_acl_of_held, keeps_owner, remove_acl, set_acl,
};
#[cfg(target_os = "macos")]
pub(crate) use by_name::{hold_at, protects_symlinks, read_link};
#[cfg(target_os = "linux")]
pub(crate) use file_system::{distance, folds_names, is_pseudo_file_system};
#[cfg(target_os = "linux")]
pub(crate) use link::{hold_at, protects_symlinks, read_link};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    HOLD, LOOK, MODE_MASKS_ACL, NAMES_ARE_EXACT, RESOLVE_BENEATH, RESOLVE_CACHED,
    RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, advise_huge_pages,
    change_mode_of_held, effective_groups, fchmodat2_works, fill_random, held_path, let_go,
    open_at2, openat2_works, read, read_from_start, rename_new, rename_new_works, start_sync, sync,
    sync_directory,
};
#[cfg(unix)]
pub(crate) use listing::{is_empty_directory, list};
#[cfg(target_os = "linux")]
pub use look::{Attributes, Volume};
#[cfg(target_os = "linux")]
pub(crate) use look::{
    CAP_CHOWN, CAP_FOWNER, CAP_FSETID, MAY_READ, MAY_SEARCH, MAY_WRITE, access, attributes,
    has_capability, mount_number, volume,
};
#[cfg(target_os = "macos")]
pub(crate) use macos::{
    HOLD, LOOK, MODE_MASKS_ACL, NAMES_ARE_EXACT, NOFOLLOW_ANY, advise_huge_pages,
    change_mode_of_held, distance, effective_groups, fchmodat2_works, fill_random, has_full_map,
    held_path, is_pseudo_file_system, nofollow_any_works, number_to_reopen, open_at, open_beneath,
    rename_new, rename_new_works, resolve_beneath_works, start_sync, stat, stat_absolute, stat_at,
    statx_works, sync, sync_directory,
};
#[cfg(target_os = "linux")]
pub(crate) use procfs::{has_full_map, number_to_reopen, open_procfs, read_entry};
pub(crate) use range_lock::{is_byte_locked, lock_byte, unlock_byte};
pub(crate) use stat::{Distance, FileSystem, Ids, Link, Target};
pub use stat::{Stat, Time};
#[cfg(target_os = "linux")]
pub(crate) use statx::{stat, stat_absolute, stat_at, stat_in_memory, statx_works};
#[cfg(target_os = "linux")]
pub(crate) use superblock::file_system_of;
#[cfg(target_os = "macos")]
pub(crate) use unix::read;
#[cfg(unix)]
pub(crate) use unix::{
    AsFd, BorrowedFd, DENIED, EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ELOOP,
    EMFILE, ENAMETOOLONG, ENFILE, ENODEV, ENOENT, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO,
    EOVERFLOW, EPERM, EROFS, EXDEV, HAS_DRIVES, HAS_MODES, OFlag, OwnedFd, change_mode,
    change_owner, close, create_at, current_directory, effective_group, effective_user, kind_at,
    link_at, make_dir_at, open_absolute, open_top, read_at, read_vectored, rename_at,
    resolved_path, status, truncate, try_lock, unlink_at, write, write_at,
};
#[cfg(target_os = "linux")]
pub(crate) use unix::{open_at, read_link_at};
/// The file system of a descriptor: every device number is that of one.
#[cfg(not(target_os = "linux"))]
pub(crate) fn file_system_of(fd: BorrowedFd<'_>) -> FileSystem {
    let device = status(fd).ok().map(|stat| stat.dev);
    FileSystem {
        device,
        superblock: device,
        kind: None,
    }
}

/// Whether a directory may take names for one that differ in case or accents.
#[cfg(not(target_os = "linux"))]
pub(crate) fn folds_names(_: BorrowedFd<'_>) -> bool {
    true
}

pub(crate) use unnamed::{create_unnamed, link_held, link_held_works};
#[cfg(windows)]
pub(crate) use windows::*;

/// Closes what was only read or looked at, where nothing depends on the answer.
#[cfg(not(target_os = "linux"))]
pub(crate) fn let_go(fd: OwnedFd) {
    drop(fd);
}
