//! What the verbs would do somewhere, found out without changing anything.
//!
//! Each rehearsal goes the way of its verb up to the first call that would change something, and
//! judges that call by what the kernel can be asked about: permissions as access(2) sees them,
//! read-only mounts, immutable files, capabilities, free blocks and inodes.
//!
//! Not foreseen: what only the attempt shows, such as quotas, seccomp filters, security modules
//! and the mind of a server behind a network or FUSE file system.

use crate::ensure_dir::{self, Ensured, Hardening, IsOptedOut, IsSystem, Rules, Settled};
use crate::error::{Code, Error, Os};
use crate::make_dirs::{self, Look};
use crate::metadata::is_system_directory;
use crate::metadata::{self, Acl};
use crate::path;
use crate::read::{self, OpenFile};
use crate::resolve::{Last, Scope, classify};
use crate::sys::{self, Attributes, OFlag, Stat, Volume};
use nix::libc::{ENOSPC, S_IFDIR};
use std::os::fd::{AsFd, BorrowedFd};

/// `S_ISGID`, which a directory hands on to those made in it.
const SET_GROUP_ID: u32 = 0o2000;

/// What there is to know about an object.
#[derive(Debug)]
pub struct Facts {
    /// Its status; that of a link itself.
    pub stat: Stat,
    /// What the mode does not show.
    pub attributes: Attributes,
    /// The file system that it lies on.
    pub volume: Volume,
    /// Its real path.
    pub real: Vec<u8>,
    /// Its access ACL, as stored.
    pub acl: Option<Vec<u8>>,
    /// Whether it could be read.
    pub is_acl_known: bool,
    /// Whether that ACL names users or groups, or may.
    pub has_named_entries: bool,
    /// Whether the effective user owns it.
    pub is_own: bool,
    /// Whether the effective user or root owns it.
    pub is_own_or_root: bool,
    /// What the effective user may do: bits of 4 for reading, 2 for writing, 1 for searching.
    pub access: u32,
    /// Number of the mount in `/proc/self/mountinfo`.
    pub mount: Option<u32>,
}

/// Looks at what has a path, without opening it. A final link is looked at itself.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::NotFound`], [`Code::Symlink`]; otherwise what the system
/// answered.
pub fn look(scope: &Scope<'_>, raw: &[u8]) -> Result<Facts, Error> {
    let located = scope.locate(raw)?;
    let found = scope
        .open(&located.text, OFlag::O_PATH, Last::Keep)
        .map_err(|error| match error.errno() {
            // Nothing lies beneath a file.
            Some(sys::ENOTDIR) => Error::refused(Code::NotFound, "parent"),
            _ => classify(error),
        })?;
    let fd = found.fd.as_fd();
    let stat = sys::statx(fd)?;
    // An ACL of a link does not exist, and a question for it would be answered for its target.
    let acl = if stat.is_symlink() {
        None
    } else {
        Acl::read(sys::get_acl_of_held(fd, None))?
    };
    let may = |permission, bit| {
        if sys::access(fd, permission).is_ok() {
            bit
        } else {
            0
        }
    };
    Ok(Facts {
        attributes: sys::attributes(fd),
        volume: sys::volume(fd)?,
        real: scope.real_path(&located.text, &found),
        has_named_entries: acl.as_ref().is_some_and(Acl::has_named_entries),
        is_acl_known: acl.as_ref().is_none_or(Acl::is_known),
        acl: acl.map(|acl| acl.stored().to_vec()),
        is_own: metadata::is_own(stat.uid),
        is_own_or_root: metadata::is_own_or_root(stat.uid),
        access: may(sys::MAY_READ, 4) | may(sys::MAY_WRITE, 2) | may(sys::MAY_SEARCH, 1),
        mount: sys::mount_number(fd),
        stat,
    })
}

/// What [`ensure_dir::ensure_dir`] would answer.
///
/// # Errors
///
/// Those that it would answer.
pub fn ensure_dir(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    is_opted_out: IsOptedOut<'_>,
) -> Result<Ensured, Error> {
    let located = scope.locate(raw)?;
    let (found, settled) = match make_dirs::look(scope, &located.text, ensure_dir::last(scope))? {
        Look::There(found) => {
            let real = scope.real_path(&located.text, &found);
            let is_system = |stat: &Stat| is_system_directory(&real, stat);
            let settled = would_settle(found.fd.as_fd(), &is_system, rules, is_opted_out)?;
            (found, settled)
        }
        Look::Missing(top, missing) => {
            let settled = would_make(top.fd.as_fd(), rules)?;
            let real = missing_path(&scope.real_path(b".", &top), &located.text, &missing);
            let first = missing.first().map(|&end| located.text[..end].to_vec());
            return ensure_dir::report(&settled, Some(real), first, rules);
        }
    };
    let real = scope.real_path(&located.text, &found);
    ensure_dir::report(&settled, Some(real), None, rules)
}

/// The real path of a directory that is yet to be made.
fn missing_path(top: &[u8], text: &[u8], missing: &[usize]) -> Vec<u8> {
    missing.iter().fold(top.to_vec(), |base, &end| {
        path::split(&text[..end]).map_or(base.clone(), |(_, name)| {
            path::join(&base, name).into_owned()
        })
    })
}

fn would_settle(
    dir: BorrowedFd<'_>,
    is_system: IsSystem<'_>,
    rules: &Rules,
    is_opted_out: IsOptedOut<'_>,
) -> Result<Settled, Error> {
    let before = sys::fstat(dir)?;
    if let Some(settled) = ensure_dir::unchanged(dir, before, is_system, rules, is_opted_out)? {
        return Ok(settled);
    }
    let (answer, mode) = match would_change_mode(dir, &before, ensure_dir::narrowed(&before, rules))
    {
        Ok(mode) => (Ok(()), mode),
        Err(os) => (Err(os), before.permissions()),
    };
    let after = Stat {
        mode: before.kind() | mode,
        ..before
    };
    ensure_dir::changed(answer, after, rules)
}

fn would_make(parent: BorrowedFd<'_>, rules: &Rules) -> Result<Settled, Error> {
    let above = sys::fstat(parent)?;
    would_create(parent, "mkdir").map_err(|os| make_dirs::classify_creation(parent, os))?;
    Ok(Settled {
        stat: Stat {
            mode: S_IFDIR | rules.mode | (above.mode & SET_GROUP_ID),
            uid: sys::effective_user(),
            ..above
        },
        is_private: rules.mode & metadata::SHARED_BITS == 0,
        hardening: Hardening::Created,
        reason: None,
    })
}

/// What `chmod` would answer, and the permission bits after it.
fn would_change_mode(fd: BorrowedFd<'_>, stat: &Stat, mode: u32) -> Result<u32, Os> {
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

/// Whether a new name can be made in a directory, by the call that would make it.
///
/// # Errors
///
/// What that call would answer.
pub(crate) fn would_create(dir: BorrowedFd<'_>, syscall: &'static str) -> Result<(), Os> {
    let as_the_call = |os: Os| Os { syscall, ..os };
    let refused = |errno| Err(Os { errno, syscall });
    // The order is that of the kernel: first the way to the name, then the mount, then the
    // directory itself.
    sys::access(dir, sys::MAY_SEARCH).map_err(as_the_call)?;
    let volume = sys::volume(dir)?;
    if volume.kind == PROC {
        // Its lookup of an unknown name fails before permissions count.
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
        // It has neither create(2) nor mkdir(2).
        return refused(if syscall == "mkdir" {
            sys::EPERM
        } else {
            sys::EACCES
        });
    }
    let is_out_of_inodes = volume.inodes > 0 && volume.free_inodes == 0;
    // A directory takes a block of its own; but on tmpfs names are not counted in blocks.
    let is_out_of_blocks = syscall == "mkdir" && !is_in_memory(&volume) && is_full(&volume);
    if is_out_of_inodes || is_out_of_blocks {
        return refused(ENOSPC);
    }
    Ok(())
}

/// `PROC_SUPER_MAGIC` of statfs(2).
const PROC: u32 = 0x9fa0;
/// `SYSFS_MAGIC`.
const SYSFS: u32 = 0x6265_6572;

/// Whether there is no room for a single block.
pub(crate) fn is_full(volume: &Volume) -> bool {
    let usable = if sys::effective_user() == 0 {
        volume.free_blocks
    } else {
        volume.available_blocks
    };
    volume.blocks > 0 && usable == 0
}

/// Magic numbers of statfs(2).
fn is_in_memory(volume: &Volume) -> bool {
    matches!(volume.kind, 0x0102_1994 | 0x8584_58f6) // tmpfs, ramfs
}

/// Whether modes are made up by the file system: `chmod` then succeeds and does nothing.
fn ignores_modes(volume: &Volume) -> bool {
    matches!(volume.kind, 0x0000_4d44 | 0x2011_bab0) // FAT, exFAT
}

/// Whether a capability is in effect for an object: its owner must have a meaning here.
pub(crate) fn is_capable(capability: u32, stat: &Stat) -> bool {
    metadata::is_mapped(stat.uid)
        && metadata::is_mapped_group(stat.gid)
        && sys::has_capability(capability)
}

/// Whether this process belongs to a group.
pub(crate) fn is_member(gid: u32) -> bool {
    gid == sys::effective_group() || sys::effective_groups().contains(&gid)
}

/// A file as [`read::open`] would open it. Only a regular file is opened, and nothing read.
///
/// # Errors
///
/// Those that it would answer.
pub fn read(scope: &Scope<'_>, raw: &[u8], rules: &read::Rules) -> Result<OpenFile, Error> {
    let located = scope.locate(raw)?;
    read::refuse_by_text(scope, &located)?;
    let looked = scope.open(&located.text, OFlag::O_PATH, read::last(scope));
    if let (Ok(found), false) = (looked, located.names_directory) {
        // Opening a FIFO lets a writer go on that waits for a reader.
        let stat = sys::fstat(found.fd.as_fd())?;
        if stat.is_device() {
            return Err(Error::refused(Code::DevicePath, "device"));
        }
        if stat.kind_word() == "fifo" {
            return Err(Error::refused(Code::NotFile, stat.kind_word()));
        }
    }
    read::open(scope, raw, rules)
}

/// Reads an entry of procfs about this process, by its path beneath `/proc/self`.
///
/// # Errors
///
/// ENOSYS where there is no procfs; otherwise what the system returned.
pub fn read_proc_entry(path: &[u8]) -> Result<Vec<u8>, Os> {
    sys::read_entry(path)
}
