//! Permission bits and owners, which have little meaning here.

use super::errno::{of_status, unsupported};
use super::fd::{AsFd, BorrowedFd};
use super::io::tell;
use super::open::reopen;
use super::stat::query;
use crate::error::Os;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY, FILE_BASIC_INFO, FILE_READ_ATTRIBUTES,
    FILE_WRITE_ATTRIBUTES, FileBasicInfo,
};

/// `chmod` does not touch ACLs.
pub(crate) const MODE_MASKS_ACL: bool = false;

/// The ACL alone controls access; libuv invents the mode that Node shows.
pub(crate) const HAS_MODES: bool = false;

/// Applies the part of a mode that Windows supports: without the owner's write bit, the file is
/// read-only.
pub(crate) fn change_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    let mut info = FILE_BASIC_INFO::default();
    query(fd, "fchmod", FileBasicInfo, &mut info)?;
    let attributes = if mode & 0o200 == 0 {
        info.FileAttributes | FILE_ATTRIBUTE_READONLY
    } else {
        info.FileAttributes & !FILE_ATTRIBUTE_READONLY
    };
    if attributes == info.FileAttributes {
        return Ok(());
    }
    let changed = FILE_BASIC_INFO {
        // Times of zero stay unchanged.
        FileAttributes: if attributes == 0 {
            FILE_ATTRIBUTE_NORMAL
        } else {
            attributes
        },
        ..FILE_BASIC_INFO::default()
    };
    let writable = reopen(fd, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES)
        .map_err(|status| of_status("fchmod", status))?;
    tell(writable.as_fd(), "fchmod", FileBasicInfo, &changed)
}

/// Fails: directories have no mode.
pub(crate) fn change_mode_of_path_fd(_: BorrowedFd<'_>, _: u32) -> Result<(), Os> {
    Err(unsupported("chmod"))
}

pub(crate) fn fchmodat2_works() -> bool {
    false
}

/// Fails: owners have no numeric ids.
pub(crate) fn change_owner(_: BorrowedFd<'_>, _: Option<u32>, _: Option<u32>) -> Result<(), Os> {
    Err(unsupported("fchown"))
}
