//! Calls that POSIX systems share.

mod append;
#[cfg_attr(
    not(target_os = "macos"),
    allow(
        dead_code,
        reason = "Linux reads links by descriptor and runs the tests only"
    )
)]
pub(super) mod by_name;
#[cfg_attr(
    not(target_os = "macos"),
    allow(
        dead_code,
        reason = "Linux reads directories by its own call and runs the tests only"
    )
)]
pub(super) mod stream;

pub(crate) use append::{append, create_for_appending_at, position};

use crate::error::Os;
use crate::sys::types::{Stat, Time};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
/// `open(2)` flags.
pub(crate) use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, LinkatFlags, Uid, UnlinkatFlags};
use std::ffi::{CString, OsStr};
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Permission bits have an effect.
pub(crate) const HAS_MODES: bool = true;

/// All absolute paths start at `/`.
pub(crate) const HAS_DRIVES: bool = false;

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    reason = "mode_t has 16 bits on some systems, and permissions have 12"
)]
pub(super) fn permissions(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as libc::mode_t)
}

/// Adds the name of the failed call. nix maps errnos without a name to one value; the number is
/// kept.
#[inline(always)]
pub(super) fn named<T>(syscall: &'static str, result: nix::Result<T>) -> Result<T, Os> {
    result.map_err(|errno| Os {
        errno: match errno {
            Errno::UnknownErrno => Errno::last_raw(),
            known => known as i32,
        },
        syscall,
    })
}

/// Repeats a call that a signal interrupted. libuv repeats without a limit; here there is one.
#[inline(always)]
pub(super) fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Os>) -> Result<T, Os> {
    /// More than any real burst of signals: a call that is interrupted again and again must end.
    const TRIES: u32 = 1000;
    for _ in 1..TRIES {
        match call() {
            Err(os) if os.errno == libc::EINTR => {}
            result => return result,
        }
    }
    call()
}

/// `openat(2)`, close-on-exec.
pub(crate) fn open_at(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    uninterrupted(|| {
        named(
            "open",
            nix::fcntl::openat(dir, path, flags | OFlag::O_CLOEXEC, Mode::empty()),
        )
    })
}

/// `openat(2)` that creates a new file for reading and writing. Fails where the name exists.
pub(crate) fn create_at(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<OwnedFd, Os> {
    create_with(dir, name, mode, OFlag::empty())
}

fn create_with(dir: BorrowedFd<'_>, name: &[u8], mode: u32, more: OFlag) -> Result<OwnedFd, Os> {
    let flags = OFlag::O_RDWR
        | OFlag::O_CREAT
        | OFlag::O_EXCL
        | OFlag::O_NOFOLLOW
        | OFlag::O_CLOEXEC
        | more;
    uninterrupted(|| {
        named(
            "open",
            nix::fcntl::openat(dir, name, flags, permissions(mode)),
        )
    })
}

/// `open(2)` of an absolute path. Follows symlinks.
pub(crate) fn open_absolute(path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open_at(nix::fcntl::AT_FDCWD, path, flags)
}

/// `fstat(2)`: the fields that policy needs, without the birth time.
#[inline(always)]
pub(crate) fn fstat(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    named("fstat", nix::sys::stat::fstat(fd)).map(convert)
}

/// `fstatat(2)` on the name itself. Does not follow symlinks.
pub(crate) fn fstatat(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    named(
        "lstat",
        nix::sys::stat::fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW),
    )
    .map(convert)
}

#[allow(
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the widths of struct stat differ between platforms"
)]
#[inline(always)]
pub(super) fn convert(raw: FileStat) -> Stat {
    let time = |seconds, nanoseconds| Time {
        seconds,
        nanoseconds: nanoseconds as u32,
    };
    Stat {
        dev: raw.st_dev as u64,
        mode: raw.st_mode as u32,
        nlink: raw.st_nlink as u64,
        uid: raw.st_uid,
        gid: raw.st_gid,
        rdev: raw.st_rdev as u64,
        blksize: raw.st_blksize as u64,
        ino: raw.st_ino as u64,
        size: raw.st_size as u64,
        blocks: raw.st_blocks as u64,
        accessed: time(raw.st_atime, raw.st_atime_nsec),
        modified: time(raw.st_mtime, raw.st_mtime_nsec),
        changed: time(raw.st_ctime, raw.st_ctime_nsec),
        // libuv shows the change time where there is no birth time.
        born: time(raw.st_ctime, raw.st_ctime_nsec),
        mount: None,
    }
}

/// Limit in bytes of one call. Linux stops there itself; macOS refuses more than `INT_MAX`.
pub(super) const MAX_IO: usize = 0x7fff_f000;

/// `read(2)`.
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Os> {
    let length = into.len().min(MAX_IO);
    uninterrupted(|| named("read", nix::unistd::read(fd, &mut into[..length])))
}

/// `readv(2)` into two buffers; into the first alone where that reaches the limit of one call.
pub(crate) fn read_vectored(
    fd: BorrowedFd<'_>,
    first: &mut [u8],
    second: &mut [u8],
) -> Result<usize, Os> {
    if first.len() >= MAX_IO {
        return read(fd, first);
    }
    uninterrupted(|| {
        let mut bufs = [IoSliceMut::new(first), IoSliceMut::new(second)];
        named("read", nix::sys::uio::readv(fd, &mut bufs))
    })
}

/// `write(2)`; may write less than requested.
pub(crate) fn write(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, Os> {
    let data = &data[..data.len().min(MAX_IO)];
    uninterrupted(|| named("write", nix::unistd::write(fd, data)))
}

/// `pread(2)`.
pub(crate) fn read_at(fd: BorrowedFd<'_>, into: &mut [u8], offset: u64) -> Result<usize, Os> {
    let offset = file_offset("read", offset)?;
    uninterrupted(|| named("read", nix::sys::uio::pread(fd, into, offset)))
}

/// `pwrite(2)`; may write less than requested.
pub(crate) fn write_at(fd: BorrowedFd<'_>, data: &[u8], offset: u64) -> Result<usize, Os> {
    let offset = file_offset("write", offset)?;
    uninterrupted(|| named("write", nix::sys::uio::pwrite(fd, data, offset)))
}

/// `ftruncate(2)`.
pub(crate) fn truncate(fd: BorrowedFd<'_>, size: u64) -> Result<(), Os> {
    let size = file_offset("ftruncate", size)?;
    uninterrupted(|| named("ftruncate", nix::unistd::ftruncate(fd, size)))
}

fn file_offset(syscall: &'static str, offset: u64) -> Result<libc::off_t, Os> {
    libc::off_t::try_from(offset).map_err(|_| Os {
        errno: libc::EFBIG,
        syscall,
    })
}

/// `flock(2)` without waiting: false where another open file description holds the lock.
///
/// The lock ends with its open file description, also when the process is killed.
pub(crate) fn try_lock(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    match flock(fd, libc::LOCK_EX | libc::LOCK_NB) {
        Ok(()) => Ok(true),
        Err(os) if os.errno == libc::EWOULDBLOCK => Ok(false),
        Err(os) => Err(os),
    }
}

/// `flock(2)`.
pub(super) fn flock(fd: BorrowedFd<'_>, operation: libc::c_int) -> Result<(), Os> {
    #[allow(unsafe_code, reason = "the safe wrapper wants to own the descriptor")]
    // SAFETY: the descriptor is borrowed and open; the call takes numbers only.
    let result = unsafe { libc::flock(fd.as_raw_fd(), operation) };
    named("flock", Errno::result(result).map(drop))
}

/// `close(2)`, with its result. The descriptor is closed even after an error, so the call is never
/// repeated.
pub(crate) fn close(fd: OwnedFd) -> Result<(), Os> {
    named("close", nix::unistd::close(fd))
}

/// `fchmod(2)`.
pub(crate) fn change_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    named("fchmod", nix::sys::stat::fchmod(fd, permissions(mode)))
}

/// `fchown(2)`; `None` leaves an id as it is.
pub(crate) fn change_owner(
    fd: BorrowedFd<'_>,
    uid: Option<u32>,
    gid: Option<u32>,
) -> Result<(), Os> {
    named(
        "fchown",
        nix::unistd::fchown(fd, uid.map(Uid::from_raw), gid.map(Gid::from_raw)),
    )
}

/// `mkdirat(2)`.
pub(crate) fn make_dir_at(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<(), Os> {
    named(
        "mkdir",
        nix::sys::stat::mkdirat(dir, name, permissions(mode)),
    )
}

/// `renameat(2)`. Replaces an existing file or empty directory. Follows no final symlink.
pub(crate) fn rename_at(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    named("rename", nix::fcntl::renameat(dir, from, to_dir, to))
}

/// `linkat(2)` of the name itself: a symlink is linked, not followed. Fails where the new name
/// exists.
pub(crate) fn link_at(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    named(
        "link",
        nix::unistd::linkat(dir, from, to_dir, to, LinkatFlags::empty()),
    )
}

/// `symlinkat(2)`. Fails where the name exists.
pub(crate) fn symlink_at(target: &[u8], dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    named("symlink", nix::unistd::symlinkat(target, dir, name))
}

/// `unlinkat(2)` of anything but a directory.
pub(crate) fn unlink_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    named(
        "unlink",
        nix::unistd::unlinkat(dir, name, UnlinkatFlags::NoRemoveDir),
    )
}

/// `unlinkat(2)` of an empty directory. ENOTDIR for anything else, symlinks included.
pub(crate) fn remove_dir_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    named(
        "rmdir",
        nix::unistd::unlinkat(dir, name, UnlinkatFlags::RemoveDir),
    )
    .map_err(|os| match os.errno {
        // POSIX allows both errnos.
        libc::EEXIST => Os {
            errno: libc::ENOTEMPTY,
            ..os
        },
        _ => os,
    })
}

/// `readlinkat(2)`; an empty name reads the symlink of the descriptor itself.
pub(crate) fn read_link_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>, Os> {
    named("readlink", nix::fcntl::readlinkat(dir, name)).map(OsStringExt::into_vec)
}

/// Converts `d_type` to `S_IFMT` bits: it has those bits shifted. `None` for `DT_UNKNOWN`, and for
/// a whiteout.
pub(super) fn kind_of_d_type(d_type: u8) -> Option<u32> {
    match d_type {
        libc::DT_UNKNOWN => None,
        14.. => None,
        known => Some(u32::from(known) << 12),
    }
}

/// Opens the parent of a directory for reading: `..`.
pub(crate) fn open_parent(dir: BorrowedFd<'_>) -> Result<OwnedFd, Os> {
    open_at(dir, b"..", OFlag::O_RDONLY | OFlag::O_DIRECTORY)
}

/// Returns the target of a symlink. EINVAL for anything else.
pub(crate) fn read_link_text(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>, Os> {
    read_link_at(dir, name)
}

/// Returns the working directory, without symlinks.
pub(crate) fn current_directory() -> Result<Vec<u8>, Os> {
    match std::env::current_dir() {
        Ok(path) => Ok(path.as_os_str().as_bytes().to_vec()),
        Err(error) => Err(Os {
            errno: error.raw_os_error().unwrap_or(libc::ENOENT),
            syscall: "uv_cwd",
        }),
    }
}

/// Returns whether a path leads to the working directory. Where one of the two cannot be inspected,
/// the answer is yes: the call that uses the path returns the error.
pub(crate) fn is_working_directory(path: &[u8]) -> bool {
    let here = nix::fcntl::AT_FDCWD;
    match (fstatat(here, b"."), fstatat(here, path)) {
        (Ok(held), Ok(found)) => held.is_same_object(&found),
        _ => true,
    }
}

pub(crate) fn effective_user() -> u32 {
    Uid::effective().as_raw()
}

pub(crate) fn effective_group() -> u32 {
    Gid::effective().as_raw()
}

/// Resolves a path in user space. Returns the result if it refers to the descriptor's object.
pub(crate) fn resolved_path(fd: BorrowedFd<'_>, path: &[u8]) -> Option<Vec<u8>> {
    let real = std::fs::canonicalize(OsStr::from_bytes(path)).ok()?;
    let real = real.into_os_string().into_vec();
    let there = fstatat(nix::fcntl::AT_FDCWD, &real).ok()?;
    let held = fstat(fd).ok()?;
    ((there.dev, there.ino) == (held.dev, held.ino)).then_some(real)
}

pub(super) fn c_string(syscall: &'static str, text: &[u8]) -> Result<CString, Os> {
    CString::new(text).map_err(|_| Os {
        errno: libc::EINVAL,
        syscall,
    })
}
