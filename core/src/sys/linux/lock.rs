//! Locks on one byte of a file or directory, owned by the open file description (`F_OFD_SETLK`,
//! kernel 3.15).

use crate::error::Os;
use crate::sys::unix::{named, uninterrupted};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::os::fd::BorrowedFd;

/// Locks one byte, shared, without waiting. The file must be open for reading; EBADF with `O_PATH`.
pub(crate) fn lock_byte(fd: BorrowedFd<'_>, offset: i64) -> Result<(), Os> {
    set(fd, offset, libc::F_RDLCK)
}

/// Locks one byte, exclusively, without waiting. Returns EAGAIN or EACCES while another open file
/// description has any lock on it. The file must be open for writing.
pub(crate) fn lock_byte_for_writing(fd: BorrowedFd<'_>, offset: i64) -> Result<(), Os> {
    set(fd, offset, libc::F_WRLCK)
}

/// Releases a lock of [`lock_byte`].
pub(crate) fn unlock_byte(fd: BorrowedFd<'_>, offset: i64) -> Result<(), Os> {
    set(fd, offset, libc::F_UNLCK)
}

/// Returns whether another open file description has a lock on the byte.
pub(crate) fn is_byte_locked(fd: BorrowedFd<'_>, offset: i64) -> Result<bool, Os> {
    let mut lock = request(offset, libc::F_WRLCK);
    uninterrupted(|| named("fcntl", fcntl(fd, FcntlArg::F_OFD_GETLK(&mut lock))))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

/// Returns whether another open file description has an exclusive lock on the byte.
pub(crate) fn is_byte_locked_for_writing(fd: BorrowedFd<'_>, offset: i64) -> Result<bool, Os> {
    let mut lock = request(offset, libc::F_RDLCK);
    uninterrupted(|| named("fcntl", fcntl(fd, FcntlArg::F_OFD_GETLK(&mut lock))))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn set(fd: BorrowedFd<'_>, offset: i64, kind: i32) -> Result<(), Os> {
    let lock = request(offset, kind);
    // A file system in user space may be interrupted.
    uninterrupted(|| named("fcntl", fcntl(fd, FcntlArg::F_OFD_SETLK(&lock)).map(drop)))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::useless_conversion,
    reason = "kinds of lock are small, and off_t has 64 bits where it can"
)]
fn request(offset: i64, kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset.into(),
        l_len: 1,
        l_pid: 0,
    }
}

/// The byte that a lock on a whole file covers: the last one that a lock can.
const LAST_BYTE: i64 = i64::MAX - 1;

/// Locks a file against other open file descriptions, shared or exclusively, without waiting. Returns
/// false while another one holds a lock that excludes it. A shared lock needs a file that is open
/// for reading, an exclusive one a file that is open for writing.
pub(crate) fn lock_file(fd: BorrowedFd<'_>, is_shared: bool) -> Result<bool, Os> {
    let kind = if is_shared {
        libc::F_RDLCK
    } else {
        libc::F_WRLCK
    };
    match set(fd, LAST_BYTE, kind) {
        Ok(()) => Ok(true),
        Err(os) if matches!(os.errno, libc::EAGAIN | libc::EACCES) => Ok(false),
        Err(os) => Err(os),
    }
}

/// Releases a lock of [`lock_file`], also for copies of the descriptor that a child inherited.
pub(crate) fn unlock_file(fd: BorrowedFd<'_>) -> Result<(), Os> {
    unlock_byte(fd, LAST_BYTE)
}
