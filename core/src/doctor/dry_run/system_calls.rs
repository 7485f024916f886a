//! Predicts the result of a system call from what the kernel reports: permissions as access(2) sees
//! them, read-only mounts, immutable files, capabilities, free blocks and inodes.

use crate::error::Os;
use crate::metadata;
use crate::sys::{self, OFlag, Stat, Volume};
use nix::libc::{EBUSY, ENOSPC};
use std::os::fd::{AsFd, BorrowedFd};

/// Predicts whether a new name can be created in a directory, by the call that would create it.
///
/// # Errors
///
/// What that call would return.
pub(super) fn would_create(dir: BorrowedFd<'_>, syscall: &'static str) -> Result<(), Os> {
    let as_the_call = |os: Os| Os { syscall, ..os };
    let refused = |errno| Err(Os { errno, syscall });
    // The order is that of the kernel: first the lookup, then the mount, then the directory itself.
    sys::access(dir, sys::MAY_SEARCH).map_err(as_the_call)?;
    let volume = sys::volume(dir)?;
    if volume.kind == PROC {
        // On procfs the lookup of an unknown name fails before the permission check.
        return refused(sys::ENOENT);
    }
    if volume.is_read_only {
        return refused(sys::EROFS);
    }
    sys::access(dir, sys::MAY_WRITE).map_err(as_the_call)?;
    if sys::fstat(dir)?.nlink == 0 {
        return refused(sys::ENOENT);
    }
    if volume.kind == SYSFS {
        // sysfs has neither create(2) nor mkdir(2).
        return refused(if syscall == "mkdir" {
            sys::EPERM
        } else {
            sys::EACCES
        });
    }
    // A renamed file has its inode.
    let is_out_of_inodes = syscall != "rename" && volume.inodes > 0 && volume.free_inodes == 0;
    // A directory takes a block of its own. On tmpfs, names are not counted in blocks.
    let is_out_of_blocks = syscall == "mkdir" && !is_in_memory(&volume) && is_full(&volume);
    if is_out_of_inodes || is_out_of_blocks {
        return refused(ENOSPC);
    }
    Ok(())
}

/// Predicts whether an existing name can be removed from a directory, by the call that would do it.
/// Returns the stat of the entry.
///
/// # Errors
///
/// What that call would return. A directory without search permission shows no missing names: the
/// prediction is EACCES then.
pub(super) fn would_remove_name(
    dir: BorrowedFd<'_>,
    name: &[u8],
    syscall: &'static str,
) -> Result<Stat, Os> {
    let as_the_call = |os: Os| Os { syscall, ..os };
    let refused = |errno| Err(Os { errno, syscall });
    // The order is that of the kernel: the mount, the name, the directory, the entry.
    let volume = sys::volume(dir)?;
    if volume.is_read_only {
        return refused(sys::EROFS);
    }
    let stat = sys::fstatat(dir, name).map_err(as_the_call)?;
    if syscall == "rename" && volume.kind == PROC {
        // On procfs the lookup of the new name fails before the permission check.
        return refused(sys::ENOENT);
    }
    sys::access(dir, sys::MAY_WRITE | sys::MAY_SEARCH).map_err(as_the_call)?;
    if sys::attributes(dir).is_append_only {
        return refused(sys::EPERM);
    }
    if matches!(volume.kind, PROC | SYSFS) {
        // procfs has no unlink(2). sysfs refuses it, and has no rename without replacement.
        return refused(if syscall == "rename" {
            sys::EINVAL
        } else {
            sys::EPERM
        });
    }
    let entry = sys::open_at(dir, name, OFlag::O_PATH | OFlag::O_NOFOLLOW).map_err(as_the_call)?;
    would_unname(dir, &sys::fstat(dir)?, entry.as_fd(), syscall)?;
    Ok(stat)
}

/// Predicts whether an entry can lose its name in a directory that this process may write.
pub(super) fn would_unname(
    dir: BorrowedFd<'_>,
    above: &Stat,
    entry: BorrowedFd<'_>,
    syscall: &'static str,
) -> Result<(), Os> {
    let refused = |errno| Err(Os { errno, syscall });
    let attributes = sys::attributes(entry);
    let stat = sys::fstat(entry)?;
    // The mount point flag in `statx` is newer than the mount ids.
    let is_mount_point =
        attributes.is_mount_point || sys::mount_number(entry) != sys::mount_number(dir);
    if is_mount_point {
        return refused(EBUSY);
    }
    let is_kept = above.is_sticky()
        && !metadata::is_own(stat.uid)
        && !metadata::is_own(above.uid)
        && !is_capable(sys::CAP_FOWNER, &stat);
    if is_kept || attributes.is_immutable || attributes.is_append_only {
        return refused(sys::EPERM);
    }
    Ok(())
}

/// `PROC_SUPER_MAGIC` of statfs(2).
const PROC: u32 = 0x9fa0;

/// `SYSFS_MAGIC`.
const SYSFS: u32 = 0x6265_6572;

/// Predicts the result of `chmod`: the permission bits after it, or its errno.
pub(super) fn would_change_mode(fd: BorrowedFd<'_>, stat: &Stat, mode: u32) -> Result<u32, Os> {
    let refused = |errno| {
        Err(Os {
            errno,
            syscall: "chmod",
        })
    };
    let volume = sys::volume(fd)?;
    if volume.is_read_only {
        return refused(sys::EROFS);
    }
    // A read-only subvolume of btrfs is known by this alone.
    if sys::access(fd, sys::MAY_WRITE).is_err_and(|os| os.errno == sys::EROFS) {
        return refused(sys::EROFS);
    }
    let attributes = sys::attributes(fd);
    if attributes.is_immutable || attributes.is_append_only {
        return refused(sys::EPERM);
    }
    if !metadata::is_own(stat.uid) && !is_capable(sys::CAP_FOWNER, stat) {
        return refused(sys::EPERM);
    }
    if ignores_modes(&volume) {
        return Ok(stat.permissions());
    }
    let keeps_set_group_id =
        is_member(stat.gid) || is_capable(sys::CAP_FSETID, stat) || mode & SET_GROUP_ID == 0;
    Ok(if keeps_set_group_id {
        mode
    } else {
        mode & !SET_GROUP_ID
    })
}

/// Returns whether no block is free.
pub(super) fn is_full(volume: &Volume) -> bool {
    let usable = if sys::effective_user() == 0 {
        volume.free_blocks
    } else {
        volume.available_blocks
    };
    volume.blocks > 0 && usable == 0
}

/// Returns whether the file system is in memory, by magic numbers of statfs(2).
fn is_in_memory(volume: &Volume) -> bool {
    matches!(volume.kind, 0x0102_1994 | 0x8584_58f6) // tmpfs, ramfs
}

/// Returns whether the file system invents modes: `chmod` then succeeds and does nothing.
fn ignores_modes(volume: &Volume) -> bool {
    matches!(volume.kind, 0x0000_4d44 | 0x2011_bab0) // FAT, exFAT
}

/// Returns whether a capability applies to an object: its owner must be mapped in this user
/// namespace.
pub(super) fn is_capable(capability: u32, stat: &Stat) -> bool {
    metadata::is_mapped(stat.uid)
        && metadata::is_mapped_group(stat.gid)
        && sys::has_capability(capability)
}

/// Returns whether this process belongs to a group.
pub(super) fn is_member(gid: u32) -> bool {
    gid == sys::effective_group() || sys::effective_groups().contains(&gid)
}

/// `S_ISGID`, which a directory passes on to directories created in it.
pub(super) const SET_GROUP_ID: u32 = 0o2000;
