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

/// Requests huge pages for a buffer that is about to be filled: fewer page faults, and cheaper
/// copies. It is a hint for the whole pages within the buffer.
pub(crate) fn advise_huge_pages(memory: &mut [u8]) {
    /// No page size is larger where the hint has an effect, so no page is split.
    const ALIGNMENT: usize = 64 * 1024;
    let skipped = memory.as_ptr().align_offset(ALIGNMENT);
    let Some(rest) = memory.get_mut(skipped..) else {
        return;
    };
    let length = rest.len() / ALIGNMENT * ALIGNMENT;
    // SAFETY: the range lies within memory that is exclusively borrowed, and begins and ends at
    // page boundaries; MADV_HUGEPAGE changes how it is backed, never its content.
    let _ = unsafe { libc::madvise(rest.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}
