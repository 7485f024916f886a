//! Calls of Linux, where `nix` has none or gates them to glibc: `nix::libc` fills in.
//!
//! Newer calls go through `syscall(2)`, so that the addon needs no newer libc than its kernel.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::procfs;
use super::unix::{MOST, change_mode, named, open_at, uninterrupted};
use crate::error::Os;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag};
use nix::libc;
use std::ffi::CString;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::OnceLock;

/// How a directory is held for what lies beneath it: it need not be readable.
pub(crate) const HOLD: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);
/// How an object is looked at without acting on it, a link itself included.
pub(crate) const LOOK: Option<OFlag> = Some(OFlag::O_PATH);
/// A name has one spelling, but on the rare file system that folds cases.
pub(crate) const NAMES_ARE_EXACT: bool = true;

/// The group bits of the mode are an ACL's mask: `chmod` changes what its entries grant.
pub(crate) const MODE_MASKS_ACL: bool = true;

pub(crate) const RESOLVE_BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH;
pub(crate) const RESOLVE_NO_SYMLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_SYMLINKS;
pub(crate) const RESOLVE_NO_XDEV: ResolveFlag = ResolveFlag::RESOLVE_NO_XDEV;
/// Only what lies in memory: never asks the file system, and answers EAGAIN instead (kernel 5.12).
pub(crate) const RESOLVE_CACHED: ResolveFlag = ResolveFlag::from_bits_retain(libc::RESOLVE_CACHED);
pub(crate) const RESOLVE_NO_MAGICLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_MAGICLINKS;

/// Same number on every architecture; kernel 6.6 and newer.
const SYS_FCHMODAT2: libc::c_long = 452;

/// `openat2(2)`, kernel 5.6 and newer, close-on-exec.
#[inline(always)]
pub(crate) fn open_at2(
    dir: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, Os> {
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(resolve);
    uninterrupted(|| named("open", nix::fcntl::openat2(dir, path, how)))
}

/// Whether `openat2` can be used. Probed once, never with a path of a caller.
///
/// A seccomp filter may answer ENOSYS, EPERM or anything else. One success, or EBADF for an invalid
/// descriptor, proves that the call exists: `.` and `/` may have errors of their own. A lack of
/// descriptors or memory proves nothing, and the next call probes again.
pub(crate) fn openat2_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    if let Some(&works) = WORKS.get() {
        return works;
    }
    let probe = |name: &[u8]| {
        let here = nix::fcntl::AT_FDCWD;
        open_at2(here, name, OFlag::O_PATH, RESOLVE_NO_SYMLINKS).map(drop)
    };
    match probe(b".").or_else(|_| probe(b"/")) {
        Err(os) if is_shortage(os) => false,
        Ok(()) => *WORKS.get_or_init(|| true),
        Err(_) => *WORKS.get_or_init(|| knows_call(openat2_of_no_directory)),
    }
}

/// `openat2` with a valid request and an invalid descriptor.
fn openat2_of_no_directory() -> libc::c_long {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(RESOLVE_NO_SYMLINKS);
    // SAFETY: the descriptor is invalid on purpose, the path is a static C string, and `how` has
    // the layout and size of `struct open_how`; the call only reads them.
    unsafe {
        libc::syscall(
            libc::SYS_openat2,
            -1,
            c"a".as_ptr(),
            &raw const how,
            size_of::<OpenHow>(),
        )
    }
}

/// Whether the kernel, and every filter before it, takes a call, which is made with an invalid
/// descriptor: EBADF says that it does.
///
/// Tried twice, so that one error by chance is not taken for a missing call.
pub(super) fn knows_call(call: impl Fn() -> libc::c_long) -> bool {
    let answers_bad_descriptor = || call() == -1 && Errno::last_raw() == libc::EBADF;
    answers_bad_descriptor() || answers_bad_descriptor()
}

/// Whether the process or the system has run out of something that it may have again.
pub(super) fn is_shortage(os: Os) -> bool {
    matches!(os.errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}

/// Whether `fchmodat2` exists. Probed once, with an invalid descriptor.
pub(crate) fn fchmodat2_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            // SAFETY: the descriptor is invalid on purpose and the path is a static C string; the
            // call reads the string and changes nothing.
            unsafe { libc::syscall(SYS_FCHMODAT2, -1, c"".as_ptr(), 0, libc::AT_EMPTY_PATH) }
        })
    })
}

/// `chmod` of the directory behind a descriptor, also one opened with `O_PATH`, which `fchmod`
/// refuses (EBADF).
///
/// In order of preference: `fchmodat2(AT_EMPTY_PATH)`; the descriptor's name in procfs; and,
/// where there is no procfs, a second, readable descriptor.
pub(crate) fn change_mode_of_held(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    if fchmodat2_works() {
        // SAFETY: the descriptor is borrowed and open for the duration of the call, and the path
        // is a static C string.
        let answer = unsafe {
            libc::syscall(
                SYS_FCHMODAT2,
                fd.as_raw_fd(),
                c"".as_ptr(),
                mode,
                libc::AT_EMPTY_PATH,
            )
        };
        return named("chmod", Errno::result(answer).map(drop));
    }
    let Ok((descriptors, name)) = procfs::way_to(fd) else {
        let readable = open_at(fd, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        return change_mode(readable.as_fd(), mode);
    };
    // SAFETY: the descriptor is open for the life of the process, and the path is a C string that
    // lives until the call returns.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_fchmodat,
            descriptors.as_raw_fd(),
            name.as_ptr(),
            mode,
        )
    };
    named("chmod", Errno::result(answer).map(drop))
}

/// `renameat2(RENAME_NOREPLACE)` within one directory. The call dates from kernel 3.15.
pub(crate) fn rename_new(dir: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<(), Os> {
    let from = c_string("rename", from)?;
    let to = c_string("rename", to)?;
    // SAFETY: the descriptor is borrowed and open, and both names are C strings that live until
    // the call returns.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            dir.as_raw_fd(),
            from.as_ptr(),
            dir.as_raw_fd(),
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    named("rename", Errno::result(answer).map(drop))
}

/// Asks for huge pages under memory that is about to be filled: fewer page faults, and cheaper
/// copies. Only whole pages within the memory are spoken of; it is a hint.
pub(crate) fn advise_huge_pages(memory: &mut [u8]) {
    /// No page is larger where the hint has a meaning, so no page is cut.
    const ALIGNMENT: usize = 64 * 1024;
    let skipped = memory.as_ptr().align_offset(ALIGNMENT);
    let Some(rest) = memory.get_mut(skipped..) else {
        return;
    };
    let length = rest.len() / ALIGNMENT * ALIGNMENT;
    // SAFETY: the range lies within memory that is exclusively borrowed, and begins and ends at
    // page boundaries; MADV_HUGEPAGE changes how it is backed, never what it holds.
    let _ = unsafe { libc::madvise(rest.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}

/// `fsync(2)` of a file, once: after a failure a second one would answer success for lost pages.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    named("fsync", nix::unistd::fsync(fd))
}

/// The same of a directory.
pub(crate) fn sync_directory(dir: BorrowedFd<'_>) -> Result<(), Os> {
    sync(dir)
}

/// Has the kernel begin to write a file back. A hint: whoever relies on it syncs as well.
pub(crate) fn start_sync(fd: BorrowedFd<'_>) {
    // SAFETY: the descriptor is borrowed and open; the call takes numbers only and changes no
    // memory of ours.
    let _ = unsafe { libc::sync_file_range(fd.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Whether `renameat2` exists. Probed once, with invalid descriptors.
pub(crate) fn rename_new_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            // SAFETY: the descriptors are invalid on purpose and the names are static C strings;
            // the call reads the strings and changes nothing.
            unsafe {
                libc::syscall(
                    libc::SYS_renameat2,
                    -1,
                    c"a".as_ptr(),
                    -1,
                    c"b".as_ptr(),
                    libc::RENAME_NOREPLACE,
                )
            }
        })
    })
}

/// Returns where a descriptor leads now, as the kernel spells it in procfs.
///
/// # Errors
///
/// ENOSYS where there is no procfs.
pub(crate) fn held_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let (descriptors, name) = procfs::way_to(fd)?;
    super::unix::read_link_at(descriptors, name.as_bytes())
}

/// Reads from the start of a file into one place or more, and leaves the descriptor's position alone.
///
/// What may not wait gets EAGAIN where a disk would be waited for, and ENOTSUP where the file
/// system cannot tell (`preadv2(RWF_NOWAIT)`, kernel 4.14).
pub(crate) fn read_from_start(
    fd: BorrowedFd<'_>,
    places: &mut [IoSliceMut<'_>],
    may_wait: bool,
) -> Result<usize, Os> {
    let flags = if may_wait { 0 } else { libc::RWF_NOWAIT };
    // SAFETY: the descriptor is borrowed and open; the places have the layout of `iovec`, as the
    // standard library promises, and describe exclusive memory that outlives the call, which writes
    // within their lengths.
    let count = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            fd.as_raw_fd(),
            places.as_mut_ptr(),
            places.len(),
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

/// `read(2)`.
///
/// Straight to the kernel, as [`let_go`]: the functions of libc are points where a thread can be
/// cancelled, and to enter and leave one costs a hundredth of a small read.
#[inline(always)]
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Os> {
    let length = into.len().min(MOST);
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

/// `close(2)` of what was only read or looked at, where nothing depends on the answer.
#[inline(always)]
pub(crate) fn let_go(fd: OwnedFd) {
    // SAFETY: the descriptor is ours, and nobody uses its number any more.
    let _ = unsafe { libc::syscall(libc::SYS_close, fd.into_raw_fd()) };
}

/// Bytes from the kernel's generator, for names that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    uninterrupted(|| {
        // SAFETY: pointer and length describe bytes that are exclusive and outlive the call. Up
        // to 256 of them come whole or not at all.
        let answer =
            unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), 0) };
        named("getrandom", Errno::result(answer).map(drop))
    })
}

/// Supplementary groups; empty where they cannot be read.
pub(crate) fn effective_groups() -> Vec<u32> {
    nix::unistd::getgroups()
        .map(|groups| groups.iter().map(|gid| gid.as_raw()).collect())
        .unwrap_or_default()
}

pub(super) fn c_string(syscall: &'static str, text: &[u8]) -> Result<CString, Os> {
    CString::new(text).map_err(|_| Os {
        errno: libc::EINVAL,
        syscall,
    })
}
