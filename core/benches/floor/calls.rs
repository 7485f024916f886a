//! The system calls, as thin as they can be. A failure ends the program.

use nix::libc;
use std::ffi::{CStr, CString};
use std::os::fd::RawFd;

pub(super) fn c_string(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

pub(super) fn checked(answer: libc::c_long) -> libc::c_long {
    assert!(answer >= 0, "{}", std::io::Error::last_os_error());
    answer
}

pub(super) fn open_without_links(path: &CStr, flags: libc::c_int) -> RawFd {
    open_beneath(libc::AT_FDCWD, path, flags, libc::RESOLVE_NO_SYMLINKS)
}

pub(super) fn open_beneath(dir: RawFd, path: &CStr, flags: libc::c_int, resolve: u64) -> RawFd {
    // SAFETY: all-zero is a valid `open_how`.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = flags as u64;
    how.resolve = resolve;
    // SAFETY: path and structure outlive the call, and the size is the structure's.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            dir,
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    };
    checked(answer) as RawFd
}

pub(super) fn fstat(fd: RawFd) -> libc::stat {
    // SAFETY: all-zero is a valid `stat`.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours and outlives the call.
    checked(unsafe { libc::fstat(fd, &raw mut stat) }.into());
    stat
}

pub(super) fn fsync(fd: RawFd) {
    // SAFETY: the call takes a descriptor by value.
    checked(unsafe { libc::fsync(fd) }.into());
}

pub(super) fn close(fd: RawFd) {
    // SAFETY: the code that opened a descriptor closes it, once.
    checked(unsafe { libc::close(fd) }.into());
}

/// Opens a directory to search it.
pub(super) fn open_directory(path: &CStr) -> RawFd {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    open_without_links(path, flags)
}

/// Opens a name in a directory, without following a link.
pub(super) fn open_at(dir: RawFd, name: &CStr, flags: libc::c_int, mode: libc::mode_t) -> RawFd {
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name is a C string that outlives the call.
    checked(unsafe { libc::openat(dir, name.as_ptr(), flags, mode) }.into()) as RawFd
}

/// Looks at a name in a directory, without following a link. Returns whether it is there.
pub(super) fn is_at(dir: RawFd, name: &CStr) -> bool {
    // SAFETY: all-zero is a valid `stat`.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: name and structure outlive the call.
    unsafe { libc::fstatat(dir, name.as_ptr(), &raw mut stat, flags) == 0 }
}

pub(super) fn write_all(fd: RawFd, data: &[u8]) {
    // SAFETY: the call reads memory of ours of the given length.
    let written = unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) };
    assert_eq!(written as usize, data.len());
}

pub(super) fn read_at(fd: RawFd, into: &mut [u8], offset: libc::off_t) -> usize {
    // SAFETY: the buffer is writable memory of ours of the given length.
    let count = unsafe { libc::pread(fd, into.as_mut_ptr().cast(), into.len(), offset) };
    checked(count as libc::c_long) as usize
}

/// `fcntl(F_OFD_SETLK)` on the last byte that a file can have.
pub(super) fn set_lock(fd: RawFd, kind: libc::c_int) {
    // SAFETY: all-zero is a valid `flock`.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = libc::off_t::MAX - 1;
    lock.l_len = 1;
    // SAFETY: the structure outlives the call.
    checked(unsafe { libc::fcntl(fd, libc::F_OFD_SETLK, &raw const lock) }.into());
}
