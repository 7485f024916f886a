//! What is done to an open file.

use super::errno::{EFBIG, EINVAL, ENOTSUP, EPERM, last, of_status};
use super::{AsFd, BorrowedFd, OwnedFd, raw, reopen};
use crate::error::Os;
use crate::path;
use crate::sys::stat::{S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, Stat, Time};
use std::ffi::c_void;
use std::os::windows::io::IntoRawHandle;
use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_HANDLE_EOF, ERROR_LOCK_VIOLATION, FILETIME, GetLastError, HANDLE,
};
use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL,
    FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO,
    FILE_BASIC_INFO, FILE_END_OF_FILE_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_NAME_NORMALIZED,
    FILE_READ_ATTRIBUTES, FILE_STANDARD_INFO, FILE_TYPE_DISK, FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_DATA, FileAttributeTagInfo, FileBasicInfo, FileEndOfFileInfo, FileStandardInfo,
    FlushFileBuffers, GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
    GetFinalPathNameByHandleW, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
    ReadFile, SetFileInformationByHandle, VOLUME_NAME_DOS, WriteFile,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Most bytes that one call moves.
const MOST: usize = 0x7fff_f000;

/// Whether a tag is that of something that stands for another name: a symlink, a junction.
pub(super) fn is_link(tag: u32) -> bool {
    /// The bit that `IsReparseTagNameSurrogate` looks at.
    const NAME_SURROGATE: u32 = 0x2000_0000;
    tag & NAME_SURROGATE != 0
}

/// The tag of an object that is a reparse point.
pub(super) fn reparse_tag(fd: BorrowedFd<'_>) -> Result<Option<u32>, Os> {
    let mut info = FILE_ATTRIBUTE_TAG_INFO::default();
    ask(fd, "fstat", FileAttributeTagInfo, &mut info)?;
    let is_one = info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0;
    Ok(is_one.then_some(info.ReparseTag))
}

/// Has the system fill a structure about an open object.
fn ask<T>(
    fd: BorrowedFd<'_>,
    syscall: &'static str,
    class: FILE_INFO_BY_HANDLE_CLASS,
    into: &mut T,
) -> Result<(), Os> {
    let place: *mut T = into;
    // SAFETY: the handle is borrowed and open. The structure is the one that the class asks for,
    // as all callers in this file see to; it is ours, and its own size is given.
    let answer = unsafe {
        GetFileInformationByHandleEx(
            raw(fd),
            class,
            place.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    };
    succeeded(syscall, answer)
}

fn succeeded(syscall: &'static str, answer: windows_sys::core::BOOL) -> Result<(), Os> {
    if answer == 0 {
        Err(last(syscall))
    } else {
        Ok(())
    }
}

/// What policy needs, and `fs.Stats` shows, in the terms that libuv has for it on Windows.
pub(crate) fn status(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    let mut info = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is borrowed and open, and the structure is ours.
    let answer = unsafe { GetFileInformationByHandle(raw(fd), &raw mut info) };
    succeeded("fstat", answer)?;
    let mut basic = FILE_BASIC_INFO::default();
    ask(fd, "fstat", FileBasicInfo, &mut basic)?;
    // The first of its fields is the allocation size. The others have types that not every bit
    // pattern is a value of.
    let mut standard = [0_u64; size_of::<FILE_STANDARD_INFO>().div_ceil(8)];
    ask(fd, "fstat", FileStandardInfo, &mut standard)?;
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

/// The same: a status has everything here.
pub(crate) fn stat(fd: BorrowedFd<'_>) -> Result<Stat, Os> {
    status(fd)
}

/// From tenths of microseconds since 1601.
fn since_1970(ticks: u64) -> Time {
    const TICKS: i64 = 10_000_000;
    const SECONDS_BEFORE_1970: i64 = 11_644_473_600;
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    Time {
        seconds: ticks.div_euclid(TICKS) - SECONDS_BEFORE_1970,
        nanoseconds: u32::try_from(ticks.rem_euclid(TICKS) * 100).unwrap_or_default(),
    }
}

/// Where a call reads or writes, for those that do not go by the handle's own position.
fn at(offset: u64) -> OVERLAPPED {
    let [low, high] = [offset as u32, (offset >> 32) as u32];
    OVERLAPPED {
        Anonymous: OVERLAPPED_0 {
            Anonymous: OVERLAPPED_0_0 {
                Offset: low,
                OffsetHigh: high,
            },
        },
        ..OVERLAPPED::default()
    }
}

fn read_from(
    fd: BorrowedFd<'_>,
    into: &mut [u8],
    place: Option<&mut OVERLAPPED>,
) -> Result<usize, Os> {
    let length = into.len().min(MOST) as u32;
    let mut count = 0;
    // SAFETY: the handle is borrowed and open for synchronous use, so that the call is over when
    // it returns; it writes within the given length of memory that is exclusively ours.
    let answer = unsafe {
        ReadFile(
            raw(fd),
            into.as_mut_ptr(),
            length,
            &raw mut count,
            place.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    // SAFETY: the call takes nothing and answers a number.
    if answer == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(last("read"));
    }
    Ok(count as usize)
}

fn write_to(fd: BorrowedFd<'_>, data: &[u8], place: Option<&mut OVERLAPPED>) -> Result<usize, Os> {
    let length = data.len().min(MOST) as u32;
    let mut count = 0;
    // SAFETY: as for reading; the bytes are only read.
    let answer = unsafe {
        WriteFile(
            raw(fd),
            data.as_ptr(),
            length,
            &raw mut count,
            place.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    succeeded("write", answer)?;
    Ok(count as usize)
}

pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Os> {
    read_from(fd, into, None)
}

/// Reads into one place, and if that is filled into the other.
pub(crate) fn read_vectored(
    fd: BorrowedFd<'_>,
    first: &mut [u8],
    second: &mut [u8],
) -> Result<usize, Os> {
    let count = if first.is_empty() {
        0
    } else {
        read_from(fd, first, None)?
    };
    if count < first.len() {
        return Ok(count);
    }
    Ok(count + read_from(fd, second, None)?)
}

/// Reads at an offset, and may move the handle's own position.
pub(crate) fn read_at(fd: BorrowedFd<'_>, into: &mut [u8], offset: u64) -> Result<usize, Os> {
    read_from(fd, into, Some(&mut at(offset)))
}

/// May write less than asked.
pub(crate) fn write(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, Os> {
    write_to(fd, data, None)
}

/// Writes at an offset, and may move the handle's own position.
pub(crate) fn write_at(fd: BorrowedFd<'_>, data: &[u8], offset: u64) -> Result<usize, Os> {
    write_to(fd, data, Some(&mut at(offset)))
}

/// Makes a file as long as told.
pub(crate) fn truncate(fd: BorrowedFd<'_>, size: u64) -> Result<(), Os> {
    let end = FILE_END_OF_FILE_INFO {
        EndOfFile: i64::try_from(size).map_err(|_| Os {
            errno: EFBIG,
            syscall: "ftruncate",
        })?,
    };
    tell(fd, "ftruncate", FileEndOfFileInfo, &end)
}

/// Hands the system a structure about an open object.
fn tell<T>(
    fd: BorrowedFd<'_>,
    syscall: &'static str,
    class: FILE_INFO_BY_HANDLE_CLASS,
    from: &T,
) -> Result<(), Os> {
    let place: *const T = from;
    // SAFETY: the handle is borrowed and open. The structure is the one that the class demands,
    // as all callers in this file see to; it outlives the call, and its own size is given.
    let answer = unsafe {
        SetFileInformationByHandle(
            raw(fd),
            class,
            place.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    };
    succeeded(syscall, answer)
}

/// Waits for the disk, once. The system wants a handle that may write.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    match flush(fd) {
        Err(os) if os.errno == EPERM => {
            let writable = reopen(fd, FILE_WRITE_DATA).map_err(|s| of_status("fsync", s))?;
            flush(writable.as_fd())
        }
        answer => answer,
    }
}

fn flush(fd: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: the handle is borrowed and open.
    succeeded("fsync", unsafe { FlushFileBuffers(raw(fd)) })
}

/// Closes a file, with its answer.
pub(crate) fn close(fd: OwnedFd) -> Result<(), Os> {
    let handle: HANDLE = fd.into_raw_handle();
    // SAFETY: the handle was owned, and its owner has let go of it just now.
    succeeded("close", unsafe { CloseHandle(handle) })
}

/// Does of a mode what Windows has a word for: a file without the owner's write bit is read-only.
pub(crate) fn change_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Os> {
    let mut info = FILE_BASIC_INFO::default();
    ask(fd, "fchmod", FileBasicInfo, &mut info)?;
    let attributes = if mode & 0o200 == 0 {
        info.FileAttributes | FILE_ATTRIBUTE_READONLY
    } else {
        info.FileAttributes & !FILE_ATTRIBUTE_READONLY
    };
    if attributes == info.FileAttributes {
        return Ok(());
    }
    let changed = FILE_BASIC_INFO {
        // Times that are zero stay as they are.
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

/// Locks a file against others who do the same: false where somebody else has the lock.
///
/// What is locked is one byte that no file has, since nobody else could read it.
pub(crate) fn try_lock(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    let mut place = at(i64::MAX as u64 - 1);
    // SAFETY: the handle is borrowed and open for synchronous use, and the structure outlives the
    // call.
    let answer = unsafe {
        LockFileEx(
            raw(fd),
            LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
            0,
            1,
            0,
            &raw mut place,
        )
    };
    // SAFETY: the call takes nothing and answers a number.
    if answer == 0 && unsafe { GetLastError() } == ERROR_LOCK_VIOLATION {
        return Ok(false);
    }
    succeeded("flock", answer).map(|()| true)
}

/// Where a handle leads now, if that is on a drive.
pub(crate) fn held_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    /// The longest path of the kernel, in UTF-16.
    const LONGEST: usize = 32768;
    let mut place = vec![0_u16; LONGEST];
    // SAFETY: the handle is borrowed and open, and the place has the size that is given.
    let length = unsafe {
        GetFinalPathNameByHandleW(
            raw(fd),
            place.as_mut_ptr(),
            LONGEST as u32,
            FILE_NAME_NORMALIZED | VOLUME_NAME_DOS,
        )
    };
    let text = match length as usize {
        0 => return Err(last("realpath")),
        length => String::from_utf16(place.get(..length).unwrap_or_default()),
    };
    let failed = |errno| Os {
        errno,
        syscall: "realpath",
    };
    path::from_namespace(&text.map_err(|_| failed(EINVAL))?).ok_or(failed(ENOTSUP))
}

/// Bytes from the system's generator, for names that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    // SAFETY: pointer and length describe bytes that are exclusive and outlive the call.
    let status = unsafe {
        BCryptGenRandom(
            std::ptr::null_mut(),
            bytes.as_mut_ptr(),
            bytes.len() as u32,
            BCRYPT_USE_SYSTEM_PREFERRED_RNG,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(of_status("getrandom", status))
    }
}
