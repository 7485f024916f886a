//! Content of an open file: reads, syncs and hints.

use crate::error::Os;
use crate::sys::unix::named;
use nix::fcntl::FcntlArg;
use nix::libc;
use std::os::fd::{BorrowedFd, OwnedFd};

/// `close(2)` of a file that was not written, where the return value does not matter.
#[cfg(not(target_os = "linux"))]
pub(crate) fn close_quietly(fd: OwnedFd) {
    drop(fd);
}

/// `fcntl(F_FULLFSYNC)`, which waits for the disk itself; `fsync(2)` only where the file system
/// does not support it. Once: after a failure a second call returns success for lost pages.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    match named("fsync", nix::fcntl::fcntl(fd, FcntlArg::F_FULLFSYNC)) {
        Err(os) if matches!(os.errno, libc::ENOTSUP | libc::EINVAL | libc::ENOTTY) => {
            named("fsync", nix::unistd::fsync(fd))
        }
        result => result.map(drop),
    }
}

/// Syncs a directory as [`sync`] does.
pub(crate) fn sync_directory(dir: BorrowedFd<'_>) -> Result<(), Os> {
    sync(dir)
}

/// Does nothing: no call starts a write-back.
pub(crate) fn start_sync(_: BorrowedFd<'_>) {}

/// Fails: a clone has a name from the start (`clonefile(2)`), and a temporary gets its own.
pub(crate) fn clone_content(_: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Result<(), Os> {
    Err(Os {
        errno: libc::ENOTSUP,
        syscall: "copyfile",
    })
}

/// Fails: no call copies a range within the kernel.
pub(crate) fn copy_range(
    _: BorrowedFd<'_>,
    _: BorrowedFd<'_>,
    _: u64,
    _: usize,
) -> Result<usize, Os> {
    Err(Os {
        errno: libc::ENOTSUP,
        syscall: "copyfile",
    })
}
