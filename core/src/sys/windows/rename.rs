//! Renames, links and removes files by their handle.

use super::errno::{EISDIR, ENOSYS, ENOTDIR, of_status, unsupported};
use super::fd::{AsFd, BorrowedFd, OwnedFd, raw};
use super::link::open_itself;
use super::mode::change_mode;
use super::open::Request;
use super::path::wide;
use super::stat::{is_link, reparse_tag};
use crate::error::Os;
use std::ffi::c_void;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_DIRECTORY_FILE, FILE_DISPOSITION_DELETE, FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE,
    FILE_DISPOSITION_POSIX_SEMANTICS, FILE_INFORMATION_CLASS, FILE_NON_DIRECTORY_FILE,
    FILE_OPEN_REPARSE_POINT, FILE_RENAME_IGNORE_READONLY_ATTRIBUTE, FILE_RENAME_POSIX_SEMANTICS,
    FILE_RENAME_REPLACE_IF_EXISTS, FileDispositionInformation, FileDispositionInformationEx,
    FileLinkInformation, FileRenameInformation, FileRenameInformationEx, NtSetInformationFile,
};
use windows_sys::Win32::Foundation::{
    HANDLE, NTSTATUS, STATUS_ACCESS_DENIED, STATUS_DELETE_PENDING, STATUS_FILE_LOCK_CONFLICT,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_INFO_CLASS, STATUS_INVALID_PARAMETER,
    STATUS_NOT_IMPLEMENTED, STATUS_NOT_SUPPORTED, STATUS_SHARING_VIOLATION, STATUS_SUCCESS,
    STATUS_USER_MAPPED_FILE,
};
use windows_sys::Win32::Storage::FileSystem::{DELETE, FILE_READ_ATTRIBUTES};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// `FILE_RENAME_INFORMATION` and `FILE_LINK_INFORMATION`, with room for every name.
#[repr(C)]
struct NewName {
    /// Flags; in the older classes a Boolean for replacement.
    flags: u32,
    root: HANDLE,
    length: u32,
    name: [u16; 256],
}

impl NewName {
    fn new(dir: BorrowedFd<'_>, flags: u32, name: &[u16]) -> Self {
        let mut buf = [0; 256];
        // `wide` refuses longer names.
        let length = name.len().min(255);
        buf[..length].copy_from_slice(&name[..length]);
        Self {
            flags,
            root: raw(dir),
            length: (length * 2) as u32,
            name: buf,
        }
    }
}

fn set<T>(fd: BorrowedFd<'_>, class: FILE_INFORMATION_CLASS, value: &T) -> NTSTATUS {
    let mut block = IO_STATUS_BLOCK::default();
    let pointer: *const T = value;
    // SAFETY: the handle is borrowed and open. All callers in this file pass the structure of the
    // class; it outlives the call, and its own size is given.
    unsafe {
        NtSetInformationFile(
            raw(fd),
            &raw mut block,
            pointer.cast::<c_void>(),
            size_of::<T>() as u32,
            class,
        )
    }
}

/// Returns whether the file system, or this version of the system, does not support the request.
fn is_unknown(status: NTSTATUS) -> bool {
    matches!(
        status,
        STATUS_INVALID_INFO_CLASS
            | STATUS_INVALID_PARAMETER
            | STATUS_INVALID_DEVICE_REQUEST
            | STATUS_NOT_IMPLEMENTED
            | STATUS_NOT_SUPPORTED
    )
}

/// Renames, and replaces an existing file. Takes effect at once, also for processes that have the
/// old file open. A symlink is renamed itself.
pub(crate) fn rename_at(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    let to = wide("rename", to)?;
    let flags = FILE_RENAME_REPLACE_IF_EXISTS
        | FILE_RENAME_POSIX_SEMANTICS
        | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
    retry_while_in_use(|| {
        let file = open_to_move(dir, "rename", from, 0)?;
        let new = NewName::new(to_dir, flags, &to);
        let status = set(file.as_fd(), FileRenameInformationEx, &new);
        if !is_unknown(status) {
            return Ok(status);
        }
        let new = NewName::new(to_dir, 1, &to);
        Ok(set(file.as_fd(), FileRenameInformation, &new))
    })
}

/// Renames if the new name is free. Of several such calls, one wins.
pub(crate) fn rename_new(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    let to = wide("rename", to)?;
    retry_while_in_use(|| {
        let file = open_to_move(dir, "rename", from, 0)?;
        let new = NewName::new(to_dir, 0, &to);
        Ok(set(file.as_fd(), FileRenameInformation, &new))
    })
}

/// Adds a second name to a file, if the name is free.
pub(crate) fn link_at(
    dir: BorrowedFd<'_>,
    from: &[u8],
    to_dir: BorrowedFd<'_>,
    to: &[u8],
) -> Result<(), Os> {
    let to = wide("link", to)?;
    let file = open_itself(dir, from)?;
    let new = NewName::new(to_dir, 0, &to);
    match set(file.as_fd(), FileLinkInformation, &new) {
        STATUS_SUCCESS => Ok(()),
        status => Err(of_status("link", status)),
    }
}

/// Fails: the right to create symlinks is rare, and their kind has to be known.
pub(crate) fn symlink_at(_: &[u8], _: BorrowedFd<'_>, _: &[u8]) -> Result<(), Os> {
    Err(unsupported("symlink"))
}

/// Removes the name of anything but a directory. A symlink or junction to a directory is removed
/// itself.
pub(crate) fn unlink_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    let file = match open_to_move(dir, "unlink", name, FILE_NON_DIRECTORY_FILE) {
        Err(os) if os.errno == EISDIR => {
            let object = open_to_move(dir, "unlink", name, 0)?;
            if !reparse_tag(object.as_fd())?.is_some_and(is_link) {
                return Err(os);
            }
            object
        }
        result => result?,
    };
    dispose(file.as_fd(), "unlink")
}

/// Removes an empty directory. ENOTDIR for anything else, symlinks and junctions included.
pub(crate) fn remove_dir_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    let directory = open_to_move(dir, "rmdir", name, FILE_DIRECTORY_FILE)?;
    if reparse_tag(directory.as_fd())?.is_some_and(is_link) {
        return Err(Os {
            errno: ENOTDIR,
            syscall: "rmdir",
        });
    }
    dispose(directory.as_fd(), "rmdir")
}

fn dispose(object: BorrowedFd<'_>, syscall: &'static str) -> Result<(), Os> {
    let flags = FILE_DISPOSITION_DELETE
        | FILE_DISPOSITION_POSIX_SEMANTICS
        | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
    let status = match set(object, FileDispositionInformationEx, &flags) {
        status if is_unknown(status) => {
            // The older class does not remove read-only files.
            change_mode(object, 0o600)?;
            set(object, FileDispositionInformation, &1_u8)
        }
        status => status,
    };
    match status {
        STATUS_SUCCESS => Ok(()),
        status => Err(of_status(syscall, status)),
    }
}

fn open_to_move(
    dir: BorrowedFd<'_>,
    syscall: &'static str,
    name: &[u8],
    kind: u32,
) -> Result<OwnedFd, Os> {
    let options = FILE_OPEN_REPARSE_POINT | kind;
    Request::open(DELETE | FILE_READ_ATTRIBUTES, options)
        .send(Some(dir), &wide(syscall, name)?)
        .map_err(|status| of_status(syscall, status))
}

/// Repeats a rename that another process blocks, for half a second or a little more: a reader of
/// the old file that does not share it, a virus scanner, an indexer. A permanent denial has the
/// same status.
fn retry_while_in_use(mut rename: impl FnMut() -> Result<NTSTATUS, Os>) -> Result<(), Os> {
    const TRIES: u32 = 12;
    const MAX_PAUSE: Duration = Duration::from_millis(64);
    let mut pause = Duration::from_millis(1);
    for attempt in 1.. {
        let status = rename()?;
        let is_in_use = matches!(
            status,
            STATUS_SHARING_VIOLATION
                | STATUS_ACCESS_DENIED
                | STATUS_FILE_LOCK_CONFLICT
                | STATUS_DELETE_PENDING
                | STATUS_USER_MAPPED_FILE
        );
        if status == STATUS_SUCCESS {
            return Ok(());
        }
        if !is_in_use || attempt == TRIES {
            return Err(of_status("rename", status));
        }
        std::thread::sleep(jittered(pause));
        pause = (pause * 2).min(MAX_PAUSE);
    }
    Ok(())
}

/// Returns a random duration of half to one and a half pauses, so that tries do not synchronise.
fn jittered(pause: Duration) -> Duration {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos() / 100);
    pause.mul_f64(0.5 + f64::from(clock % 1000) / 1000.0)
}

/// Fails with ENOSYS: Windows cannot exchange two names.
pub(crate) fn exchange(_dir: BorrowedFd<'_>, _one: &[u8], _other: &[u8]) -> Result<(), Os> {
    Err(Os {
        errno: ENOSYS,
        syscall: "rename",
    })
}

/// Returns true: a rename has a flag for replacement.
pub(crate) fn rename_new_works() -> bool {
    true
}
