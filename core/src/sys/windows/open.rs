//! Opens and creates files relative to the handle of a directory, one component at a time. A
//! symlink is opened itself before it is judged.

use super::errno::{DENIED, ELOOP, ENOENT, of_status};
use super::fd::{AsFd, BorrowedFd, OwnedFd, raw};
use super::path::{full_name, wide};
use super::stat::{fstat, is_link, reparse_tag};
use crate::error::Os;
use std::ops::{BitAnd, BitOr};
use std::os::windows::io::FromRawHandle;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_OPEN, FILE_OPEN_REPARSE_POINT,
    FILE_SYNCHRONOUS_IO_NONALERT, NtCreateFile,
};
use windows_sys::Win32::Foundation::{
    NTSTATUS, OBJ_CASE_INSENSITIVE, OBJ_DONT_REPARSE, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
    UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_READ_ATTRIBUTES,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TRAVERSE, READ_CONTROL, SYNCHRONIZE,
    WRITE_DAC,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// Flags of an open, under the names of other systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OFlag(u32);

impl OFlag {
    pub(crate) const O_RDONLY: Self = Self(0);
    pub(crate) const O_RDWR: Self = Self(1);
    pub(crate) const O_DIRECTORY: Self = Self(2);
    /// A final symlink is not followed: it is an error, or opened itself with [`PATH_ONLY`].
    pub(crate) const O_NOFOLLOW: Self = Self(4);
    /// No object in a directory can block an open.
    pub(crate) const O_NONBLOCK: Self = Self(0);
    pub(crate) const O_NOCTTY: Self = Self(0);
    /// `append` writes at the end whatever the handle was opened with.
    pub(crate) const O_APPEND: Self = Self(0);

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

/// Flags to open a directory for calls beneath it: it need not be readable.
pub(crate) const SEARCH_ONLY: OFlag = OFlag(8 | 2);

/// Flags to open an object without acting on it; a symlink is opened itself.
pub(crate) const PATH_ONLY: Option<OFlag> = Some(OFlag(16));

pub(super) const PATH_ONLY_FLAG: OFlag = OFlag(16);

/// Other processes may read, write and delete an object while it is open here.
const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// The parameters of an open.
#[derive(Clone, Copy)]
pub(super) struct Request {
    access: u32,
    disposition: u32,
    options: u32,
    attributes: u32,
}

impl Request {
    pub(super) const fn open(access: u32, options: u32) -> Self {
        Self {
            access,
            disposition: FILE_OPEN,
            options,
            attributes: 0,
        }
    }

    /// Opens a name in a directory; with an empty name, the object of the handle itself.
    pub(super) fn send(
        self,
        dir: Option<BorrowedFd<'_>>,
        name: &[u16],
    ) -> Result<OwnedFd, NTSTATUS> {
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
        // SAFETY: the attributes, the name they point to and the directory's handle all outlive the
        // call; the name is only read; handle and status block are memory of ours.
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
        // SAFETY: the call succeeded, so this is a new handle without another owner. Child
        // processes do not inherit it, since inheritance was not requested.
        Ok(unsafe { OwnedFd::from_raw_handle(handle) })
    }
}

/// Opens another handle of the same object, with other access rights. Uses no name.
pub(super) fn reopen(fd: BorrowedFd<'_>, access: u32) -> Result<OwnedFd, NTSTATUS> {
    Request::open(access, 0).send(Some(fd), &[])
}

fn request(flags: OFlag) -> Request {
    let access = if flags.contains(PATH_ONLY_FLAG) {
        FILE_READ_ATTRIBUTES
    } else if flags.contains(SEARCH_ONLY) {
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

/// Opens a name in a directory, or the directory itself again.
pub(crate) fn open_at(dir: BorrowedFd<'_>, name: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    if name == b"." {
        return open(Some(dir), &[], flags);
    }
    open(Some(dir), &wide("open", name)?, flags)
}

/// Opens an absolute path. The system follows symlinks on the way as Win32 does; `..` is resolved
/// by text.
pub(crate) fn open_absolute(path: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
    open(None, &full_name(path)?, flags)
}

/// Opens the top of the drive of an absolute path. Returns it with the length of the part that it
/// covers.
pub(crate) fn open_top(path: &[u8]) -> Result<(OwnedFd, usize), Os> {
    let [b'/', _, b':', ..] = path else {
        return Err(Os {
            errno: ENOENT,
            syscall: "open",
        });
    };
    let (top, _) = path.split_at("/C:".len());
    Ok((open_absolute(top, SEARCH_ONLY)?, top.len()))
}

fn open(dir: Option<BorrowedFd<'_>>, name: &[u16], flags: OFlag) -> Result<OwnedFd, Os> {
    let request = request(flags);
    let failed = |status| of_status("open", status);
    let opened = request.send(dir, name).map_err(failed)?;
    if !flags.contains(OFlag::O_NOFOLLOW) {
        return Ok(opened);
    }
    let Some(tag) = reparse_tag(opened.as_fd())? else {
        return Ok(opened);
    };
    if flags.contains(PATH_ONLY_FLAG) {
        return Ok(opened);
    }
    if is_link(tag) {
        return Err(Os {
            errno: ELOOP,
            syscall: "open",
        });
    }
    // A reparse point that is no symlink (deduplicated, compressed, in a cloud): opened once more,
    // so that its filter driver serves the content. It has to be the same object.
    let served = Request {
        options: request.options & !FILE_OPEN_REPARSE_POINT,
        attributes: if dir.is_some() { OBJ_DONT_REPARSE } else { 0 },
        ..request
    };
    let served = served.send(dir, name).map_err(failed)?;
    let (seen, now) = (fstat(opened.as_fd())?, fstat(served.as_fd())?);
    if (seen.dev, seen.ino) == (now.dev, now.ino) {
        Ok(served)
    } else {
        Err(failed(STATUS_OBJECT_NAME_NOT_FOUND))
    }
}

/// Creates a new file for reading and writing. Fails where the name exists. The only mode is
/// read-only, which is applied later. The ACL is inherited from the directory.
pub(crate) fn create_at(dir: BorrowedFd<'_>, name: &[u8], _: u32) -> Result<OwnedFd, Os> {
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let with_acl = access | READ_CONTROL | WRITE_DAC;
    match create(dir, "open", name, with_acl, FILE_NON_DIRECTORY_FILE) {
        // Without the right to set ACLs, the file can be written all the same.
        Err(os) if os.errno == DENIED => create(dir, "open", name, access, FILE_NON_DIRECTORY_FILE),
        result => result,
    }
}

/// As [`create_at`]: `append` writes at the end whatever the handle was opened with.
pub(crate) fn create_for_appending_at(
    dir: BorrowedFd<'_>,
    name: &[u8],
    mode: u32,
) -> Result<OwnedFd, Os> {
    create_at(dir, name, mode)
}

/// Creates a directory. Its ACL is inherited from the parent.
pub(crate) fn make_dir_at(dir: BorrowedFd<'_>, name: &[u8], _: u32) -> Result<(), Os> {
    create(
        dir,
        "mkdir",
        name,
        FILE_READ_ATTRIBUTES,
        FILE_DIRECTORY_FILE,
    )
    .map(drop)
}

fn create(
    dir: BorrowedFd<'_>,
    syscall: &'static str,
    name: &[u8],
    access: u32,
    options: u32,
) -> Result<OwnedFd, Os> {
    let request = Request {
        disposition: FILE_CREATE,
        ..Request::open(access, options | FILE_OPEN_REPARSE_POINT)
    };
    request
        .send(Some(dir), &wide(syscall, name)?)
        .map_err(|status| of_status(syscall, status))
}

/// Opens a name in a directory. The caller compares devices, to find out about mounts.
pub(crate) fn open_on_mount(
    dir: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlag,
    _: bool,
) -> Result<OwnedFd, Os> {
    open_at(dir, name, flags)
}
