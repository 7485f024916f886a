//! Content of an open file: reads, writes, syncs.

use super::errno::{EFBIG, EPERM, last, of_status, succeeded, unsupported};
use super::fd::{AsFd, BorrowedFd, OwnedFd, raw};
use super::open::reopen;
use crate::error::Os;
use std::ffi::c_void;
use std::os::windows::io::IntoRawHandle;
use windows_sys::Win32::Foundation::{CloseHandle, ERROR_HANDLE_EOF, GetLastError, HANDLE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_END_OF_FILE_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_WRITE_DATA, FileEndOfFileInfo,
    FlushFileBuffers, ReadFile, SetFileInformationByHandle, WriteFile,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Most bytes that one call moves.
const MAX_IO: usize = 0x7fff_f000;

/// Where a call reads or writes, for those that do not go by the handle's own position.
pub(super) fn at(offset: u64) -> OVERLAPPED {
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
    let length = into.len().min(MAX_IO) as u32;
    let mut count = 0;
    // SAFETY: the handle is borrowed and open for synchronous use, so that the call is over when
    // it returns; it writes within the given length of memory that is exclusively ours.
    let result = unsafe {
        ReadFile(
            raw(fd),
            into.as_mut_ptr(),
            length,
            &raw mut count,
            place.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    // SAFETY: the call takes nothing and answers a number.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(last("read"));
    }
    Ok(count as usize)
}

fn write_to(fd: BorrowedFd<'_>, data: &[u8], place: Option<&mut OVERLAPPED>) -> Result<usize, Os> {
    let length = data.len().min(MAX_IO) as u32;
    let mut count = 0;
    // SAFETY: as for reading; the bytes are only read.
    let result = unsafe {
        WriteFile(
            raw(fd),
            data.as_ptr(),
            length,
            &raw mut count,
            place.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    succeeded("write", result)?;
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
pub(super) fn tell<T>(
    fd: BorrowedFd<'_>,
    syscall: &'static str,
    class: FILE_INFO_BY_HANDLE_CLASS,
    from: &T,
) -> Result<(), Os> {
    let place: *const T = from;
    // SAFETY: the handle is borrowed and open. The structure is the one that the class demands,
    // as all callers in this file see to; it outlives the call, and its own size is given.
    let result = unsafe {
        SetFileInformationByHandle(
            raw(fd),
            class,
            place.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    };
    succeeded(syscall, result)
}

/// Waits for the disk, once. The system wants a handle that may write.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Os> {
    match flush(fd) {
        Err(os) if os.errno == EPERM => {
            let writable = reopen(fd, FILE_WRITE_DATA).map_err(|s| of_status("fsync", s))?;
            flush(writable.as_fd())
        }
        result => result,
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

/// Closes what was only read or looked at, where nothing depends on the answer.
#[cfg(not(target_os = "linux"))]
pub(crate) fn close_quietly(fd: OwnedFd) {
    drop(fd);
}

/// A directory's own entries are the file system's business; nothing syncs them on demand.
pub(crate) fn sync_directory(_: BorrowedFd<'_>) -> Result<(), Os> {
    Err(unsupported("fsync"))
}

pub(crate) fn start_sync(_: BorrowedFd<'_>) {}

pub(crate) fn advise_huge_pages(_: &mut [u8]) {}
