//! Writes at the end of a file.

use super::{create_with, named, write};
use crate::error::Os;
use nix::fcntl::OFlag;
use std::os::fd::{BorrowedFd, OwnedFd};

/// `write(2)` to a file that is open with `O_APPEND`: the kernel moves to the end of the file and
/// writes in one step. May write less than requested.
pub(crate) fn append(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, Os> {
    write(fd, data)
}

/// Returns the offset of the descriptor: after an [`append`], the end of what it wrote.
pub(crate) fn position(fd: BorrowedFd<'_>) -> Result<u64, Os> {
    let offset = named(
        "lseek",
        nix::unistd::lseek(fd, 0, nix::unistd::Whence::SeekCur),
    )?;
    Ok(u64::try_from(offset).unwrap_or_default())
}

/// As [`create_at`], for [`append`].
pub(crate) fn create_for_appending_at(
    dir: BorrowedFd<'_>,
    name: &[u8],
    mode: u32,
) -> Result<OwnedFd, Os> {
    create_with(dir, name, mode, OFlag::O_APPEND)
}
