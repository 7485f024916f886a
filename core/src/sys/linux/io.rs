//! Content of an open file: reads, syncs and hints.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use crate::error::Os;
use crate::sys::unix::{MAX_IO, named, uninterrupted};
use nix::errno::Errno;
use nix::libc;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

/// `read(2)`.
///
/// A direct system call, as in [`close_quietly`]: the functions of libc are cancellation points,
/// and their entry and exit cost a hundredth of a small read.
#[inline(always)]
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Os> {
    let length = into.len().min(MAX_IO);
    uninterrupted(|| {
        // SAFETY: the descriptor is borrowed and open; the call writes within this length of memory
        // that is exclusive and outlives it.
        let count =
            unsafe { libc::syscall(libc::SYS_read, fd.as_raw_fd(), into.as_mut_ptr(), length) };
        usize::try_from(count).map_err(|_| Os {
            errno: Errno::last_raw(),
            syscall: "read",
        })
    })
}

/// Reads from the start of a file into one or more buffers. Does not move the descriptor's offset.
///
/// A read that must not block uses `preadv2(RWF_NOWAIT)` (kernel 4.14). It returns EAGAIN where it
/// would wait for a disk, and ENOTSUP where the file system does not support the flag.
pub(crate) fn read_from_start(
    fd: BorrowedFd<'_>,
    bufs: &mut [IoSliceMut<'_>],
    may_wait: bool,
) -> Result<usize, Os> {
    let flags = if may_wait { 0 } else { libc::RWF_NOWAIT };
    // SAFETY: the descriptor is borrowed and open; `IoSliceMut` has the layout of `iovec`, by the
    // guarantee of std. The buffers are exclusive memory that outlives the call, which writes
    // within their lengths.
    let count = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            fd.as_raw_fd(),
            bufs.as_mut_ptr(),
            bufs.len(),
            0,
            0,
            flags,
        )
    };
    usize::try_from(count).map_err(|_| Os {
        errno: Errno::last_raw(),
        syscall: "read",
    })
}

/// `close(2)` of a file that was not written, where the return value does not matter.
#[inline(always)]
pub(crate) fn close_quietly(fd: OwnedFd) {
    // SAFETY: the descriptor is ours, and its number is not used afterwards.
    let _ = unsafe { libc::syscall(libc::SYS_close, fd.into_raw_fd()) };
}

/// `fsync(2)` of a file, once: after a failure a second call returns success for lost pages.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    named("fsync", nix::unistd::fsync(fd))
}

/// `fsync(2)` of a directory, once.
pub(crate) fn sync_directory(dir: BorrowedFd<'_>) -> Result<(), Os> {
    sync(dir)
}

/// Starts the write-back of a file. It is a hint: a caller that depends on it also syncs.
pub(crate) fn start_sync(fd: BorrowedFd<'_>) {
    // SAFETY: the descriptor is borrowed and open; the call takes numbers only and changes no
    // memory of ours.
    let _ = unsafe { libc::sync_file_range(fd.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// `ioctl(FICLONE)`: shares the content of a file with another one, where the file system can
/// (btrfs, xfs, bcachefs).
pub(crate) fn clone_content(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: both descriptors are borrowed and open; the call takes numbers only.
    let result = unsafe { libc::ioctl(to.as_raw_fd(), libc::FICLONE as _, from.as_raw_fd()) };
    named("copyfile", Errno::result(result).map(drop))
}

/// `copy_file_range(2)`, kernel 4.5 and newer: copies at the same offset of both files, within the
/// kernel. May copy less than requested; 0 at the end of the file.
pub(crate) fn copy_range(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    offset: u64,
    length: usize,
) -> Result<usize, Os> {
    let at = |offset: u64| {
        libc::off64_t::try_from(offset).map_err(|_| Os {
            errno: libc::EFBIG,
            syscall: "copyfile",
        })
    };
    let (mut read_at, mut write_at) = (at(offset)?, at(offset)?);
    uninterrupted(|| {
        // SAFETY: both descriptors are borrowed and open, and the offsets are ours.
        let count = unsafe {
            libc::syscall(
                libc::SYS_copy_file_range,
                from.as_raw_fd(),
                &raw mut read_at,
                to.as_raw_fd(),
                &raw mut write_at,
                length.min(MAX_IO),
                0,
            )
        };
        usize::try_from(count).map_err(|_| Os {
            errno: Errno::last_raw(),
            syscall: "copyfile",
        })
    })
}
