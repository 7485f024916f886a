//! Calls of macOS. Its kernel has no `O_PATH`: directories are held for searching, and everything
//! else is looked at by name.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::stat::{Distance, Ids, Stat, Time};
use super::unix::{self, OFlag, change_mode, kind_at, named, uninterrupted};
use crate::error::Os;
use nix::errno::Errno;
use nix::fcntl::FcntlArg;
use nix::libc;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::OnceLock;

/// How a directory is held for what lies beneath it: it need not be readable.
pub(crate) const HOLD: OFlag = OFlag::from_bits_retain(libc::O_SEARCH);
/// Nothing opens an object without acting on it.
pub(crate) const LOOK: Option<OFlag> = None;
/// Most file systems fold cases and compose accents: another spelling may be the real one.
pub(crate) const NAMES_ARE_EXACT: bool = false;
/// ACLs stand beside the mode: `chmod` does not touch them.
pub(crate) const MODE_MASKS_ACL: bool = false;

/// Fails where any component is a link (macOS 11); it excludes `O_NOFOLLOW`.
pub(crate) const NOFOLLOW_ANY: OFlag = OFlag::from_bits_retain(libc::O_NOFOLLOW_ANY);
/// Fails where the path leaves the directory it starts in (macOS 15.4, <sys/fcntl.h>).
pub(crate) const RESOLVE_BENEATH: OFlag = OFlag::from_bits_retain(0x1000);

/// `openat(2)`, close-on-exec. A directory that may be read and not searched is held by reading.
pub(crate) fn open_at(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    match unix::open_at(dir, path, flags) {
        Err(os) if os.errno == libc::EACCES && flags.contains(HOLD) => {
            let searching = OFlag::from_bits_retain(libc::O_EXEC);
            unix::open_at(dir, path, (flags - searching) | OFlag::O_RDONLY)
        }
        answer => answer,
    }
}

/// `openat(2)` that stays beneath the directory, with an answer as Linux gives it.
pub(crate) fn open_beneath(dir: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open_at(dir, path, flags | RESOLVE_BENEATH).map_err(|os| match os.errno {
        libc::ENOTCAPABLE => Os {
            errno: libc::EXDEV,
            ..os
        },
        _ => os,
    })
}

/// Whether `O_NOFOLLOW_ANY` has an effect: older kernels ignore it. `/etc` is a link on every
/// macOS; where it is none, nothing is proved.
pub(crate) fn nofollow_any_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        match unix::open_absolute(b"/etc", HOLD | NOFOLLOW_ANY) {
            Err(os) if is_shortage(os) => Err(os),
            answer => Ok(answer.is_err_and(|os| os.errno == libc::ELOOP)),
        }
    })
}

/// Whether `O_RESOLVE_BENEATH` has an effect: older kernels ignore it, and then `..` leads out.
pub(crate) fn resolve_beneath_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    probed(&WORKS, || {
        let start = unix::open_absolute(b"/usr", HOLD)?;
        unix::open_at(start.as_fd(), b".", HOLD | RESOLVE_BENEATH)?;
        unix::open_at(start.as_fd(), b"..", HOLD)?;
        match unix::open_at(start.as_fd(), b"..", HOLD | RESOLVE_BENEATH) {
            Err(os) if is_shortage(os) => Err(os),
            answer => Ok(answer.is_err()),
        }
    })
}

/// The result of a probe, which is remembered unless the process lacked descriptors or memory.
fn probed(known: &OnceLock<bool>, probe: impl Fn() -> Result<bool, Os>) -> bool {
    if let Some(&works) = known.get() {
        return works;
    }
    match probe() {
        Err(os) if is_shortage(os) => false,
        answer => *known.get_or_init(|| answer.unwrap_or(false)),
    }
}

fn is_shortage(os: Os) -> bool {
    matches!(os.errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}

/// There is no such call, nor any other of Linux that `capabilities()` names.
pub(crate) fn fchmodat2_works() -> bool {
    false
}

pub(crate) fn statx_works() -> bool {
    false
}

/// `fchmod(2)`, which also takes a directory that is held for searching.
pub(crate) fn change_mode_of_held(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    change_mode(fd, mode).map_err(|os| Os {
        syscall: "chmod",
        ..os
    })
}

/// `fstat(2)`: everything `fs.Stats` shows, the time of birth included.
pub(crate) fn stat(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    let raw = named("fstat", nix::sys::stat::fstat(fd))?;
    Ok(Stat {
        born: Time {
            seconds: raw.st_birthtime,
            nanoseconds: u32::try_from(raw.st_birthtime_nsec).unwrap_or_default(),
        },
        ..unix::convert(raw)
    })
}

/// Mounts have no number that stays theirs: a status by name is all there is.
pub(crate) fn stat_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    kind_at(dir, name)
}

/// How far away a file system is matters only to answers from memory, which there are none of.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn distance(_: BorrowedFd<'_>) -> Result<Distance, Os> {
    Ok(Distance::Unknown)
}

/// `fcntl(F_FULLFSYNC)`, which waits for the disk itself; `fsync(2)` only where the file system
/// has no such thing. Once: after a failure a second one would answer success for lost pages.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    match named("fsync", nix::fcntl::fcntl(fd, FcntlArg::F_FULLFSYNC)) {
        Err(os) if matches!(os.errno, libc::ENOTSUP | libc::EINVAL | libc::ENOTTY) => {
            named("fsync", nix::unistd::fsync(fd))
        }
        answer => answer.map(drop),
    }
}

/// The same of a directory.
pub(crate) fn sync_directory(dir: BorrowedFd<'_>) -> Result<(), Os> {
    sync(dir)
}

/// There is no call that has the kernel begin to write back.
pub(crate) fn start_sync(_: BorrowedFd<'_>) {}

/// There is no such hint.
pub(crate) fn advise_huge_pages(_: &mut [u8]) {}

/// `renameatx_np(RENAME_EXCL)` within one directory.
pub(crate) fn rename_new(dir: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<(), Os> {
    let from = c_string(from)?;
    let to = c_string(to)?;
    // SAFETY: the descriptor is borrowed and open, and both names are C strings that live until
    // the call returns.
    let answer = unsafe {
        libc::renameatx_np(
            dir.as_raw_fd(),
            from.as_ptr(),
            dir.as_raw_fd(),
            to.as_ptr(),
            libc::RENAME_EXCL,
        )
    };
    named("rename", Errno::result(answer).map(drop))
}

/// `renameatx_np` dates from macOS 10.12; a file system may still refuse.
pub(crate) fn rename_new_works() -> bool {
    true
}

/// Where a descriptor leads now (`F_GETPATH`).
pub(crate) fn held_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let mut path = PathBuf::new();
    named(
        "fcntl",
        nix::fcntl::fcntl(fd, FcntlArg::F_GETPATH(&mut path)),
    )?;
    Ok(path.into_os_string().into_vec())
}

/// Whether the descriptor lies on a file system that shows the kernel's state instead of files.
pub(crate) fn is_pseudo_file_system(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    let kind = named("statfs", nix::sys::statfs::fstatfs(fd))?;
    Ok(matches!(kind.filesystem_type_name(), "devfs" | "fdesc"))
}

/// Bytes from the kernel's generator, for names that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    uninterrupted(|| {
        // SAFETY: pointer and length describe bytes that are exclusive and outlive the call; 256
        // is the most that is given at once.
        let answer = unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) };
        named("getentropy", Errno::result(answer).map(drop))
    })
}

/// Supplementary groups; empty where they cannot be read.
pub(crate) fn effective_groups() -> Vec<u32> {
    /// NGROUPS_MAX.
    const MOST: usize = 16;
    let mut groups = [0; MOST];
    // SAFETY: the array has room for as many groups as the call is told, and outlives it.
    let count = unsafe { libc::getgroups(MOST as libc::c_int, groups.as_mut_ptr()) };
    groups[..usize::try_from(count).unwrap_or_default()].to_vec()
}

fn c_string(text: &[u8]) -> Result<CString, Os> {
    CString::new(text).map_err(|_| Os {
        errno: libc::EINVAL,
        syscall: "rename",
    })
}

/// There are no user namespaces.
pub(crate) fn has_full_map(_: Ids) -> bool {
    true
}

/// Returns the number by which a descriptor can be opened again, in `/dev/fd`.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to look for a way first"
)]
pub(crate) fn number_to_reopen(fd: BorrowedFd<'_>) -> Result<i32, Os> {
    Ok(fd.as_raw_fd())
}

/// The stat of an absolute path, following nothing.
pub(crate) fn stat_absolute(path: &[u8]) -> Result<Stat, Os> {
    super::unix::kind_at(nix::fcntl::AT_FDCWD, path)
}
