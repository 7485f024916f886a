//! `fstat(2)` with the birth time.

use crate::error::Os;
use crate::sys::types::{Stat, Time};
use crate::sys::unix;
use crate::sys::unix::named;
use nix::fcntl::AtFlags;
use nix::sys::stat::FileStat;
use std::os::fd::BorrowedFd;

pub(crate) fn statx_works() -> bool {
    false
}

/// `fstat(2)`: all fields of `fs.Stats`, including the birth time.
pub(crate) fn statx(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    named("fstat", nix::sys::stat::fstat(fd)).map(with_birth_time)
}

/// `fstatat(2)` on the name itself, with the birth time, and without a mount id: macOS reuses the
/// ids of mounts.
pub(crate) fn statx_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    named(
        "lstat",
        nix::sys::stat::fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW),
    )
    .map(with_birth_time)
}

fn with_birth_time(raw: FileStat) -> Stat {
    Stat {
        born: Time {
            seconds: raw.st_birthtime,
            nanoseconds: u32::try_from(raw.st_birthtime_nsec).unwrap_or_default(),
        },
        ..unix::convert(raw)
    }
}

/// Returns the stat of an absolute path. Does not follow a final symlink.
pub(crate) fn lstat_absolute(path: &[u8]) -> Result<Stat, Os> {
    crate::sys::unix::fstatat(nix::fcntl::AT_FDCWD, path)
}
