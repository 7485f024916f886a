//! procfs, through a descriptor that is verified to be one.
//!
//! `/proc` may be missing (a container without it, `umount -l /proc`). Another file system may be
//! mounted in its place, with chosen files and symlinks under the same names. So it is opened once,
//! and its root is verified by properties that only procfs has: the magic number, and the inode of
//! linux/proc_fs.h. The kept descriptor is that of `self/fd`; calls start there, and do not cross
//! into other mounts.

use super::errno::is_shortage;
use super::file_system::is_procfs;
use super::io::read;
use super::open::{RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, open_at2, openat2_works};
use crate::error::Os;
use crate::sys::types::Ids;
use crate::sys::unix::{fstat, fstatat, open_at};
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::libc;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// Inode of the root directory of every procfs (linux/proc_fs.h, `PROC_ROOT_INO`).
const ROOT_INODE: u64 = 1;

const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);

/// Returns `self/fd` of a mounted procfs. Its entries are magic links to the open objects of this
/// process. It is held for the life of the process.
///
/// # Errors
///
/// ENOSYS where there is no procfs. Only success is remembered.
fn descriptors() -> Result<BorrowedFd<'static>, Os> {
    static DESCRIPTORS: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(descriptors) = DESCRIPTORS.get() {
        return Ok(descriptors.as_fd());
    }
    // A shortage of descriptors or memory is an error, and proves nothing about procfs.
    let opened = open().map_err(|os| if is_shortage(os) { os } else { missing() })?;
    Ok(DESCRIPTORS.get_or_init(|| opened).as_fd())
}

fn open() -> Result<OwnedFd, Os> {
    let root = open_at(AT_FDCWD, b"/proc", DIRECTORY | OFlag::O_NOFOLLOW)?;
    if !is_procfs(root.as_fd())? || fstat(root.as_fd())?.ino != ROOT_INODE {
        return Err(missing());
    }
    open_within(root.as_fd(), b"self/fd", DIRECTORY)
}

fn missing() -> Os {
    Os {
        errno: libc::ENOSYS,
        syscall: "open",
    }
}

/// Opens an entry of procfs itself: no mount over it, and no target of a magic link.
fn open_within(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    if openat2_works() {
        return open_at2(dir, path, flags, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
    }
    let fd = open_at(dir, path, flags)?;
    if is_procfs(fd.as_fd())? {
        Ok(fd)
    } else {
        Err(missing())
    }
}

/// Returns a directory and a name in it that lead to a descriptor's object, even if its path has
/// changed.
///
/// # Errors
///
/// ENOSYS where there is no procfs.
pub(super) fn way_to(fd: BorrowedFd<'_>) -> Result<(BorrowedFd<'static>, CString), Os> {
    let name = CString::new(fd.as_raw_fd().to_string()).unwrap_or_default();
    Ok((descriptors()?, name))
}

/// Opens procfs, unless it is open already.
///
/// # Errors
///
/// ENOSYS where there is none.
pub(crate) fn open_procfs() -> Result<(), Os> {
    descriptors().map(drop)
}

/// Returns `/proc/self/fd/N`, for calls that take only a path, and for Node.
///
/// # Errors
///
/// ENOSYS where that path does not lead into procfs now.
pub(super) fn path_of(fd: BorrowedFd<'_>) -> Result<CString, Os> {
    let proved = fstat(descriptors()?)?;
    let there = fstatat(AT_FDCWD, b"/proc/self/fd").map_err(|os| match os.errno {
        libc::ENOENT | libc::ENOTDIR | libc::ELOOP => missing(),
        _ => os,
    })?;
    // The inode of a directory in procfs does not change while a descriptor holds it.
    if (there.dev, there.ino) != (proved.dev, proved.ino) {
        return Err(missing());
    }
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(CString::new(path).unwrap_or_default())
}

/// Returns the number by which a descriptor can be opened again, in `/proc/self/fd`; -1 where that
/// path does not lead there.
///
/// # Errors
///
/// What the system returned, where that cannot be determined.
pub(crate) fn number_to_reopen(fd: BorrowedFd<'_>) -> Result<i32, Os> {
    match path_of(fd) {
        Ok(_) => Ok(fd.as_raw_fd()),
        Err(os) if os == missing() => Ok(-1),
        Err(os) => Err(os),
    }
}

/// Reads an entry of procfs about this process, by its path beneath `/proc/self`.
///
/// # Errors
///
/// ENOSYS where there is no procfs; otherwise what the system returned.
pub(crate) fn read_entry(path: &[u8]) -> Result<Vec<u8>, Os> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = open_within(descriptors()?, &[b"../", path].concat(), flags)?;
    let mut content = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = read(file.as_fd(), &mut piece)?;
        if count == 0 {
            return Ok(content);
        }
        content.extend_from_slice(&piece[..count]);
    }
}

/// Returns whether every id of a kind is mapped here, so that equal numbers mean equal owners.
///
/// In a user namespace with a partial map, all unmapped ids show as the overflow id. Read once: a
/// process cannot change the map of its namespace after it was written. Without procfs the map is
/// unknown, so the result is false.
pub(crate) fn has_full_map(ids: Ids) -> bool {
    static USERS: OnceLock<bool> = OnceLock::new();
    static GROUPS: OnceLock<bool> = OnceLock::new();
    let (known, entry) = match ids {
        Ids::Users => (&USERS, &b"uid_map"[..]),
        Ids::Groups => (&GROUPS, &b"gid_map"[..]),
    };
    if let Some(&full) = known.get() {
        return full;
    }
    // A failed read, for example for lack of a descriptor, is not remembered.
    let Ok(map) = read_entry(entry) else {
        return false;
    };
    let mapped: u64 = String::from_utf8_lossy(&map)
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
        .sum();
    *known.get_or_init(|| mapped >= u64::from(u32::MAX))
}
