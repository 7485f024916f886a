//! `statx(2)`: all fields of `fs.Stats`, including the birth time.
#![allow(unsafe_code, reason = "the call has no safe wrapper")]

use super::errno::knows_call;
use crate::error::Os;
use crate::sys::types::{Stat, Time};
use crate::sys::unix::{c_string, fstat, fstatat, named};
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

const MASK: libc::c_uint = libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_MNT_ID_UNIQUE;

/// Whether the kernel, and every seccomp filter, accepts `statx`; empty until a call has failed.
static WORKS: OnceLock<bool> = OnceLock::new();

/// Returns whether `statx` can be used. Probed once, with an invalid descriptor: a failure for one
/// file proves nothing about others.
pub(crate) fn statx_works() -> bool {
    *WORKS.get_or_init(|| {
        knows_call(|| {
            let mut raw = MaybeUninit::<libc::statx>::zeroed();
            // SAFETY: the descriptor is invalid on purpose, the path is a static C string, and
            // `raw` is exclusive memory of the size the kernel writes.
            unsafe {
                libc::syscall(
                    libc::SYS_statx,
                    -1,
                    c"".as_ptr(),
                    libc::AT_EMPTY_PATH,
                    MASK,
                    raw.as_mut_ptr(),
                )
            }
        })
    })
}

/// Returns the stat of a descriptor.
///
/// Where `statx` fails, the stat is that of `fstat`, with the change time as birth time, as in
/// libuv.
#[inline(always)]
pub(crate) fn statx(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    stat_with(fd, 0)
}

/// Returns the stat of a descriptor from cached attributes alone: never calls a remote file system.
/// The attributes of a remote file may be out of date.
pub(crate) fn statx_dont_sync(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    stat_with(fd, libc::AT_STATX_DONT_SYNC)
}

/// Returns the stat of a name in a directory. Does not follow symlinks.
pub(crate) fn statx_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    let text = c_string("lstat", name)?;
    match statx_raw(dir, &text, libc::AT_SYMLINK_NOFOLLOW) {
        None => fstatat(dir, name),
        Some(result) => named("lstat", result),
    }
}

/// Returns the stat of an absolute path from cached attributes alone. Does not follow a final
/// symlink.
pub(crate) fn lstat_absolute(path: &[u8]) -> Result<Stat, Os> {
    let here = nix::fcntl::AT_FDCWD;
    let text = c_string("lstat", path)?;
    match statx_raw(
        here,
        &text,
        libc::AT_SYMLINK_NOFOLLOW | libc::AT_STATX_DONT_SYNC,
    ) {
        None => fstatat(here, path),
        Some(result) => named("lstat", result),
    }
}

#[inline(always)]
fn stat_with(fd: BorrowedFd<'_>, flags: libc::c_int) -> Result<Stat, Os> {
    match statx_raw(fd, c"", libc::AT_EMPTY_PATH | flags) {
        None => fstat(fd),
        Some(result) => named("fstat", result),
    }
}

/// `statx(2)`. Returns `None` where `fstat` has to be used: the call does not exist, or it failed
/// for this object with an errno that `fstat` does not return for an open descriptor.
#[inline(always)]
fn statx_raw(fd: BorrowedFd<'_>, path: &CStr, flags: libc::c_int) -> Option<nix::Result<Stat>> {
    if WORKS.get() == Some(&false) {
        return None;
    }
    let mut raw = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the descriptor is borrowed and open, the path is a C string that lives until the call
    // returns. `raw` is exclusive memory of the size the kernel writes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_statx,
            fd.as_raw_fd(),
            path.as_ptr(),
            flags,
            MASK,
            raw.as_mut_ptr(),
        )
    };
    if let Err(errno) = Errno::result(result) {
        return match errno {
            // Old kernels, filters, and file systems that refuse it (libuv has the same fallback).
            Errno::ENOSYS | Errno::EINVAL | Errno::EPERM | Errno::EACCES | Errno::EOPNOTSUPP => {
                statx_works();
                None
            }
            _ => Some(Err(errno)),
        };
    }
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    Some(Ok(convert(&raw)))
}

#[inline(always)]
fn convert(raw: &libc::statx) -> Stat {
    let time = |stamp: &libc::statx_timestamp| Time {
        seconds: stamp.tv_sec,
        nanoseconds: stamp.tv_nsec,
    };
    Stat {
        dev: libc::makedev(raw.stx_dev_major, raw.stx_dev_minor),
        mode: u32::from(raw.stx_mode),
        nlink: u64::from(raw.stx_nlink),
        uid: raw.stx_uid,
        gid: raw.stx_gid,
        rdev: libc::makedev(raw.stx_rdev_major, raw.stx_rdev_minor),
        blksize: u64::from(raw.stx_blksize),
        ino: raw.stx_ino,
        size: raw.stx_size,
        blocks: raw.stx_blocks,
        accessed: time(&raw.stx_atime),
        modified: time(&raw.stx_mtime),
        changed: time(&raw.stx_ctime),
        born: time(&raw.stx_btime),
        // Mount 0 does not exist. An emulator that passes the mask on but not the id (QEMU 10)
        // would make all mounts equal.
        mount: (raw.stx_mask & libc::STATX_MNT_ID_UNIQUE != 0 && raw.stx_mnt_id != 0)
            .then_some(raw.stx_mnt_id),
    }
}
