//! Stat of an open object, by the conventions of libuv on Windows.

use super::errno::succeeded;
use super::fd::{BorrowedFd, raw};
use crate::error::Os;
use crate::sys::types::{S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, Stat, Time};
use std::ffi::c_void;
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY,
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO, FILE_BASIC_INFO,
    FILE_INFO_BY_HANDLE_CLASS, FILE_REMOTE_PROTOCOL_INFO, FILE_STANDARD_INFO, FILE_TYPE_DISK,
    FileAttributeTagInfo, FileBasicInfo, FileRemoteProtocolInfo, FileStandardInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
};

/// Reads a structure of an open object.
pub(super) fn query<T>(
    fd: BorrowedFd<'_>,
    syscall: &'static str,
    class: FILE_INFO_BY_HANDLE_CLASS,
    into: &mut T,
) -> Result<(), Os> {
    let pointer: *mut T = into;
    // SAFETY: the handle is borrowed and open. All callers in this file request the structure of
    // the class; it is ours, and its own size is given.
    let result = unsafe {
        GetFileInformationByHandleEx(
            raw(fd),
            class,
            pointer.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    };
    succeeded(syscall, result)
}

/// Returns the fields of `fs.Stats`, by the conventions of libuv on Windows.
pub(crate) fn fstat(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    let mut info = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is borrowed and open, and the structure is ours.
    let result = unsafe { GetFileInformationByHandle(raw(fd), &raw mut info) };
    succeeded("fstat", result)?;
    let mut basic = FILE_BASIC_INFO::default();
    query(fd, "fstat", FileBasicInfo, &mut basic)?;
    // The first field is the allocation size. The types of the others do not allow every bit
    // pattern.
    let mut standard = [0_u64; size_of::<FILE_STANDARD_INFO>().div_ceil(8)];
    query(fd, "fstat", FileStandardInfo, &mut standard)?;
    let attributes = info.dwFileAttributes;
    let is_directory = attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    let is_link =
        attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 && reparse_tag(fd)?.is_some_and(is_link);
    // SAFETY: the handle is borrowed and open.
    let is_on_disk = unsafe { GetFileType(raw(fd)) } == FILE_TYPE_DISK;
    let kind = match (is_on_disk, is_link, is_directory) {
        (false, ..) => S_IFCHR,
        (true, true, _) => S_IFLNK,
        (true, false, true) => S_IFDIR,
        (true, false, false) => S_IFREG,
    };
    let permissions = if attributes & FILE_ATTRIBUTE_READONLY != 0 {
        0o444
    } else {
        0o666
    };
    let wide = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    let filetime = |time: FILETIME| since_1970(wide(time.dwHighDateTime, time.dwLowDateTime));
    Ok(Stat {
        dev: u64::from(info.dwVolumeSerialNumber),
        mode: kind | permissions,
        nlink: u64::from(info.nNumberOfLinks),
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        ino: wide(info.nFileIndexHigh, info.nFileIndexLow),
        size: if is_directory {
            0
        } else {
            wide(info.nFileSizeHigh, info.nFileSizeLow)
        },
        blocks: standard[0] >> 9,
        accessed: filetime(info.ftLastAccessTime),
        modified: filetime(info.ftLastWriteTime),
        changed: since_1970(u64::try_from(basic.ChangeTime).unwrap_or_default()),
        born: filetime(info.ftCreationTime),
        mount: None,
    })
}

/// Returns the result of [`fstat`], which has every field here.
pub(crate) fn statx(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    fstat(fd)
}

/// Converts a time from tenths of microseconds since 1601.
fn since_1970(ticks: u64) -> Time {
    const TICKS: i64 = 10_000_000;
    const SECONDS_BEFORE_1970: i64 = 11_644_473_600;
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    Time {
        seconds: ticks.div_euclid(TICKS) - SECONDS_BEFORE_1970,
        nanoseconds: u32::try_from(ticks.rem_euclid(TICKS) * 100).unwrap_or_default(),
    }
}

/// Returns whether the system reads and writes an object through a network protocol.
pub(super) fn has_remote_protocol(fd: BorrowedFd<'_>) -> bool {
    let mut info = FILE_REMOTE_PROTOCOL_INFO::default();
    query(fd, "fstat", FileRemoteProtocolInfo, &mut info).is_ok()
}

pub(crate) fn statx_works() -> bool {
    false
}

/// Returns whether a tag is that of a name surrogate: a symlink or a junction.
pub(super) fn is_link(tag: u32) -> bool {
    /// The bit that `IsReparseTagNameSurrogate` tests.
    const NAME_SURROGATE: u32 = 0x2000_0000;
    tag & NAME_SURROGATE != 0
}

/// Returns the tag of an object that is a reparse point.
pub(super) fn reparse_tag(fd: BorrowedFd<'_>) -> Result<Option<u32>, Os> {
    let mut info = FILE_ATTRIBUTE_TAG_INFO::default();
    query(fd, "fstat", FileAttributeTagInfo, &mut info)?;
    let is_one = info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0;
    Ok(is_one.then_some(info.ReparseTag))
}
