//! Calls of Windows: everything is opened relative to the handle of a directory, one component at
//! a time, and a link is opened itself before it is judged.
#![allow(unsafe_code, reason = "windows-sys has bindings and no wrappers")]

mod acl;
mod errno;
mod file;
mod names;
mod stubs;

pub(crate) use acl::{acl_grants, get_acl, get_acl_of_held, keeps_owner, remove_acl, set_acl};
pub(crate) use errno::{
    DENIED, EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ELOOP, EMFILE, ENAMETOOLONG,
    ENFILE, ENODEV, ENOENT, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO, EOVERFLOW, EPERM, EROFS,
    EXDEV,
};
pub(crate) use file::{
    change_mode, close, fill_random, held_path, read, read_at, read_vectored, stat, status, sync,
    truncate, try_lock, write, write_at,
};
pub(crate) use names::{
    create_at, hold_at, is_empty_directory, kind_at, link_at, list, make_dir_at, read_link,
    rename_at, rename_new, stat_at, unlink_at,
};
pub(crate) use std::os::windows::io::{BorrowedHandle as BorrowedFd, OwnedHandle as OwnedFd};
pub(crate) use stubs::{
    advise_huge_pages, change_mode_of_held, change_owner, distance, effective_group,
    effective_groups, effective_user, fchmodat2_works, has_full_map, is_pseudo_file_system,
    number_to_reopen, protects_symlinks, rename_new_works, resolved_path, start_sync, statx_works,
    sync_directory,
};

use crate::error::Os;
use crate::path;
use errno::of_status;
use std::ops::{BitAnd, BitOr};
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle};
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_DIRECTORY_FILE, FILE_OPEN, FILE_OPEN_REPARSE_POINT, FILE_SYNCHRONOUS_IO_NONALERT,
    NtCreateFile,
};
use windows_sys::Win32::Foundation::{
    HANDLE, NTSTATUS, OBJ_CASE_INSENSITIVE, OBJ_DONT_REPARSE, STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_SUCCESS, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_READ_ATTRIBUTES,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TRAVERSE, SYNCHRONIZE,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// Flags of an open, by the names that other systems have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OFlag(u32);

impl OFlag {
    pub(crate) const O_RDONLY: Self = Self(0);
    pub(crate) const O_RDWR: Self = Self(1);
    pub(crate) const O_DIRECTORY: Self = Self(2);
    /// A final link is not followed: it is an error, or opened itself with [`LOOK`].
    pub(crate) const O_NOFOLLOW: Self = Self(4);
    /// Nothing that a directory holds can block an open.
    pub(crate) const O_NONBLOCK: Self = Self(0);
    pub(crate) const O_NOCTTY: Self = Self(0);

    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for OFlag {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for OFlag {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// How a directory is held for what lies beneath it: it need not be readable.
pub(crate) const HOLD: OFlag = OFlag(8 | 2);
/// How an object is looked at without acting on it, a link itself included.
pub(crate) const LOOK: Option<OFlag> = Some(OFlag(16));
const LOOKING: OFlag = OFlag(16);
/// Names have a short and a long form, in any case.
pub(crate) const NAMES_ARE_EXACT: bool = false;
/// `chmod` does not touch ACLs.
pub(crate) const MODE_MASKS_ACL: bool = false;
/// An ACL alone says who may do what; the mode that Node shows is made up.
pub(crate) const HAS_MODES: bool = false;
/// Absolute paths start at a drive.
pub(crate) const HAS_DRIVES: bool = true;

/// Others may do with an object what they like while it is open here.
const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Borrowing a handle, by the name that other systems have for it.
pub(crate) trait AsFd {
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsHandle> AsFd for T {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.as_handle()
    }
}

fn raw(fd: BorrowedFd<'_>) -> HANDLE {
    fd.as_raw_handle()
}

/// What to open, and how.
#[derive(Clone, Copy)]
struct Request {
    access: u32,
    disposition: u32,
    options: u32,
    attributes: u32,
}

impl Request {
    const fn open(access: u32, options: u32) -> Self {
        Self {
            access,
            disposition: FILE_OPEN,
            options,
            attributes: 0,
        }
    }

    /// Opens a name in a directory; with no name, what the handle itself leads to.
    fn send(self, dir: Option<BorrowedFd<'_>>, name: &[u16]) -> Result<OwnedFd, NTSTATUS> {
        let bytes = u16::try_from(name.len() * 2)
            .map_err(|_| windows_sys::Win32::Foundation::STATUS_OBJECT_NAME_INVALID)?;
        let text = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: name.as_ptr().cast_mut(),
        };
        let object = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            RootDirectory: dir.map_or(std::ptr::null_mut(), raw),
            ObjectName: &raw const text,
            Attributes: OBJ_CASE_INSENSITIVE | self.attributes,
            SecurityDescriptor: std::ptr::null(),
            SecurityQualityOfService: std::ptr::null(),
        };
        let mut handle = std::ptr::null_mut();
        let mut block = IO_STATUS_BLOCK::default();
        // SAFETY: the attributes, the name they point to and the directory's handle all outlive
        // the call; the name is only read; handle and status block are places of ours.
        let status = unsafe {
            NtCreateFile(
                &raw mut handle,
                self.access | SYNCHRONIZE,
                &raw const object,
                &raw mut block,
                std::ptr::null(),
                FILE_ATTRIBUTE_NORMAL,
                SHARE_ALL,
                self.disposition,
                self.options | FILE_SYNCHRONOUS_IO_NONALERT,
                std::ptr::null(),
                0,
            )
        };
        if status != STATUS_SUCCESS {
            return Err(status);
        }
        // SAFETY: the call succeeded, so that this is a new handle that nobody else owns. It is
        // not inherited by child processes, as that was not asked for.
        Ok(unsafe { OwnedFd::from_raw_handle(handle) })
    }
}

/// Another handle of the same object, with other rights; no name has a part in it.
fn reopen(fd: BorrowedFd<'_>, access: u32) -> Result<OwnedFd, NTSTATUS> {
    Request::open(access, 0).send(Some(fd), &[])
}

fn request(flags: OFlag) -> Request {
    let access = if flags.contains(LOOKING) {
        FILE_READ_ATTRIBUTES
    } else if flags.contains(HOLD) {
        FILE_READ_ATTRIBUTES | FILE_TRAVERSE
    } else if flags.contains(OFlag::O_RDWR) {
        FILE_GENERIC_READ | FILE_GENERIC_WRITE
    } else {
        FILE_GENERIC_READ
    };
    let mut options = 0;
    if flags.contains(OFlag::O_DIRECTORY) {
        options |= FILE_DIRECTORY_FILE;
    }
    if flags.contains(OFlag::O_NOFOLLOW) {
        options |= FILE_OPEN_REPARSE_POINT;
    }
    Request::open(access, options)
}

/// Opens a name in a directory, or the directory itself anew.
pub(crate) fn open_at(dir: BorrowedFd<'_>, name: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    if name == b"." {
        return open(Some(dir), &[], flags);
    }
    open(Some(dir), &wide("open", name)?, flags)
}

/// Opens an absolute path. The system follows links on the way, as Win32 would: `..` goes by text.
pub(crate) fn open_absolute(path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open(None, &full_name(path)?, flags)
}

/// Where an absolute path starts, and how much of it that was: the top of its drive.
pub(crate) fn open_top(path: &[u8]) -> Result<(OwnedFd, usize), Os> {
    let [b'/', _, b':', ..] = path else {
        return Err(Os {
            errno: ENOENT,
            syscall: "open",
        });
    };
    let (top, _) = path.split_at("/C:".len());
    Ok((open_absolute(top, HOLD)?, top.len()))
}

fn open(dir: Option<BorrowedFd<'_>>, name: &[u16], flags: OFlag) -> Result<OwnedFd, Os> {
    let request = request(flags);
    let failed = |status| of_status("open", status);
    let opened = request.send(dir, name).map_err(failed)?;
    if !flags.contains(OFlag::O_NOFOLLOW) {
        return Ok(opened);
    }
    let Some(tag) = file::reparse_tag(opened.as_fd())? else {
        return Ok(opened);
    };
    if flags.contains(LOOKING) {
        return Ok(opened);
    }
    if file::is_link(tag) {
        return Err(Os {
            errno: ELOOP,
            syscall: "open",
        });
    }
    // Not a link but a file whose content comes from elsewhere (deduplicated, compressed, in a
    // cloud): opened once more, for whoever serves it, and it has to be the same one.
    let served = Request {
        options: request.options & !FILE_OPEN_REPARSE_POINT,
        attributes: if dir.is_some() { OBJ_DONT_REPARSE } else { 0 },
        ..request
    };
    let served = served.send(dir, name).map_err(failed)?;
    let (seen, now) = (status(opened.as_fd())?, status(served.as_fd())?);
    if (seen.dev, seen.ino) == (now.dev, now.ino) {
        Ok(served)
    } else {
        Err(failed(STATUS_OBJECT_NAME_NOT_FOUND))
    }
}

/// A name in UTF-16.
fn wide(syscall: &'static str, name: &[u8]) -> Result<Vec<u16>, Os> {
    let failed = |errno| Os { errno, syscall };
    if path::is_too_long(name) {
        return Err(failed(ENAMETOOLONG));
    }
    let text = std::str::from_utf8(name).map_err(|_| failed(EINVAL))?;
    Ok(text.encode_utf16().collect())
}

/// An absolute path as the kernel takes it.
fn full_name(internal: &[u8]) -> Result<Vec<u16>, Os> {
    let failed = |errno| Os {
        errno,
        syscall: "open",
    };
    let normal = path::normalize(internal);
    if path::components(&normal).any(path::is_too_long) {
        return Err(failed(ENAMETOOLONG));
    }
    let shown = path::shown(&normal);
    let text = std::str::from_utf8(&shown).map_err(|_| failed(EINVAL))?;
    Ok(r"\??\".encode_utf16().chain(text.encode_utf16()).collect())
}

/// The working directory, if it has a drive.
pub(crate) fn current_directory() -> Result<Vec<u8>, Os> {
    let failed = |errno| Os {
        errno,
        syscall: "uv_cwd",
    };
    let here = std::env::current_dir().map_err(|error| {
        let code = error.raw_os_error().unwrap_or_default();
        errno::of_code("uv_cwd", u32::from_ne_bytes(code.to_ne_bytes()))
    })?;
    let text = here.to_str().ok_or(failed(EINVAL))?;
    path::from_namespace(text)
        .or_else(|| path::from_namespace(&[r"\\?\", text].concat()))
        .ok_or(failed(ENOTSUP))
}
