//! Facts about a path, collected without opening the file.

use crate::error::{Code, Error, Os};
use crate::metadata::{self, Acl, system_dirs};
use crate::ops::lock;
use crate::resolve::{Last, Scope, classify};
use crate::sys::{self, Attributes, OFlag, Stat, Volume};
use std::os::fd::{AsFd, BorrowedFd};

/// The byte of a directory on which a lock is tried. No lock of this crate covers it.
const PROBED_BYTE: i64 = i64::MAX - 2;

/// The facts about an object.
#[derive(Debug)]
pub struct Facts {
    /// Its stat; that of a symlink itself.
    pub stat: Stat,
    /// Attributes that the mode does not show.
    pub attributes: Attributes,
    /// The file system that it lies on.
    pub volume: Volume,
    /// Its real path.
    pub real: Vec<u8>,
    /// Its access ACL, as stored.
    pub acl: Option<Vec<u8>>,
    /// Whether the ACL could be read.
    pub is_acl_known: bool,
    /// Whether the ACL names users or groups, or may.
    pub has_named_entries: bool,
    /// Whether the effective user owns it.
    pub is_own: bool,
    /// Whether the effective user or root owns it.
    pub is_own_or_root: bool,
    /// Permissions of the effective user: 4 for reading, 2 for writing, 1 for searching.
    pub access: u32,
    /// Whom a lock file beside it would lock out.
    pub locks: Locks,
    /// Id of the mount in `/proc/self/mountinfo`.
    pub mount: Option<u32>,
}

/// Whom a lock on the file system excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// All processes of this host.
    Host,
    /// The file system may be shared with other hosts, which a lock may not reach.
    Unknown,
    /// No process: the file system has no locks.
    Missing,
}

/// Returns whom a lock on the file system of an object excludes. Tries a read lock on the object, which
/// changes nothing and excludes no process that asks for a read lock, and releases it at once.
fn locks(fd: BorrowedFd<'_>, stat: &Stat) -> Locks {
    if !matches!(sys::may_be_shared(fd), Ok(false)) {
        return Locks::Unknown;
    }
    // Opening a FIFO or a device may act on it, and a file may have a lease.
    if stat.is_directory()
        && let Ok(directory) = sys::open_at(fd, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY)
        && let Err(os) = sys::lock_byte(directory.as_fd(), PROBED_BYTE)
        && lock::has_no_locks(os)
    {
        return Locks::Missing;
    }
    Locks::Host
}

/// Returns the facts about a path without opening the file. A final symlink is inspected itself.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::NotFound`], [`Code::Symlink`]; otherwise what the system
/// returned.
pub fn inspect(scope: &Scope<'_>, raw: &[u8]) -> Result<Facts, Error> {
    let located = scope.locate(raw)?;
    let found = scope
        .open(&located.text, OFlag::O_PATH, Last::Keep)
        .map_err(|error| match error.errno() {
            // Nothing exists beneath a file.
            Some(sys::ENOTDIR) => Error::refused(Code::NotFound, "parent"),
            _ => classify(error),
        })?;
    let fd = found.fd.as_fd();
    let stat = sys::statx(fd)?;
    // A symlink has no ACL, and the call would return its target's.
    let acl = if stat.is_symlink() {
        None
    } else {
        Acl::read(sys::get_acl_of_path_fd(fd, None))?
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
        locks: locks(fd, &stat),
        stat,
    })
}

/// Returns whether an absolute real path is that of a directory of the system.
#[must_use]
pub fn is_system_directory(real: &[u8]) -> bool {
    system_dirs::is_system_path(real)
}

/// Reads an entry of procfs about this process, by its path beneath `/proc/self`.
///
/// # Errors
///
/// ENOSYS where there is no procfs; otherwise what the system returned.
pub fn read_proc_entry(path: &[u8]) -> Result<Vec<u8>, Os> {
    sys::read_entry(path)
}
