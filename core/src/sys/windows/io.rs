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

/// Limit in bytes of one call.
const MAX_IO: usize = 0x7fff_f000;

/// Builds the offset argument, for calls that do not use the handle's own position.
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
    overlapped: Option<&mut OVERLAPPED>,
) -> Result<usize, Os> {
    let length = into.len().min(MAX_IO) as u32;
    let mut count = 0;
    // SAFETY: the handle is borrowed and open for synchronous use, so the call is over when it
    // returns; it writes within the given length of memory that is exclusively ours.
    let result = unsafe {
        ReadFile(
            raw(fd),
            into.as_mut_ptr(),
            length,
            &raw mut count,
            overlapped.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    // SAFETY: the call takes no arguments and returns a number.
    if result == 0 && unsafe { GetLastError() } != ERROR_HANDLE_EOF {
        return Err(last("read"));
    }
    Ok(count as usize)
}

fn write_to(
    fd: BorrowedFd<'_>,
    data: &[u8],
    overlapped: Option<&mut OVERLAPPED>,
) -> Result<usize, Os> {
    let length = data.len().min(MAX_IO) as u32;
    let mut count = 0;
    // SAFETY: as for reading; the bytes are only read.
    let result = unsafe {
        WriteFile(
            raw(fd),
            data.as_ptr(),
            length,
            &raw mut count,
            overlapped.map_or(std::ptr::null_mut(), std::ptr::from_mut),
        )
    };
    succeeded("write", result)?;
    Ok(count as usize)
}

pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Os> {
    read_from(fd, into, None)
}

/// Reads into the first buffer, and into the second if the first is filled.
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

/// Reads at an offset. May move the handle's own position.
pub(crate) fn read_at(fd: BorrowedFd<'_>, into: &mut [u8], offset: u64) -> Result<usize, Os> {
    read_from(fd, into, Some(&mut at(offset)))
}

/// Writes; may write less than requested.
pub(crate) fn write(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, Os> {
    write_to(fd, data, None)
}

/// Writes at an offset. May move the handle's own position.
pub(crate) fn write_at(fd: BorrowedFd<'_>, data: &[u8], offset: u64) -> Result<usize, Os> {
    write_to(fd, data, Some(&mut at(offset)))
}

/// Writes at the end of the file, wherever that is when the system writes. May write less than
/// requested.
pub(crate) fn append(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, Os> {
    /// WriteFile: both halves of the offset all ones.
    const END: u64 = u64::MAX;
    write_to(fd, data, Some(&mut at(END)))
}

/// Sets the length of a file.
pub(crate) fn truncate(fd: BorrowedFd<'_>, size: u64) -> Result<(), Os> {
    let end = FILE_END_OF_FILE_INFO {
        EndOfFile: i64::try_from(size).map_err(|_| Os {
            errno: EFBIG,
            syscall: "ftruncate",
        })?,
    };
    tell(fd, "ftruncate", FileEndOfFileInfo, &end)
}

/// Sets a structure of an open object.
pub(super) fn tell<T>(
    fd: BorrowedFd<'_>,
    syscall: &'static str,
    class: FILE_INFO_BY_HANDLE_CLASS,
    from: &T,
) -> Result<(), Os> {
    let pointer: *const T = from;
    // SAFETY: the handle is borrowed and open. All callers in this file pass the structure of the
    // class; it outlives the call, and its own size is given.
    let result = unsafe {
        SetFileInformationByHandle(
            raw(fd),
            class,
            pointer.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    };
    succeeded(syscall, result)
}

/// Syncs a file to disk, once. The handle needs write access.
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

/// Closes a file, and returns the result.
pub(crate) fn close(fd: OwnedFd) -> Result<(), Os> {
    let handle: HANDLE = fd.into_raw_handle();
    // SAFETY: the handle was owned, and its owner released it just now.
    succeeded("close", unsafe { CloseHandle(handle) })
}

/// Closes a file that was not written, where the result does not matter.
#[cfg(not(target_os = "linux"))]
pub(crate) fn close_quietly(fd: OwnedFd) {
    drop(fd);
}

/// Does nothing: Windows has no call to sync the entries of a directory.
pub(crate) fn sync_directory(_: BorrowedFd<'_>) -> Result<(), Os> {
    Err(unsupported("fsync"))
}

pub(crate) fn start_sync(_: BorrowedFd<'_>) {}

/// Fails: only ReFS shares content between files.
pub(crate) fn clone_content(_: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Result<(), Os> {
    Err(unsupported("copyfile"))
}

/// Fails: no call copies a range within the kernel.
pub(crate) fn copy_range(
    _: BorrowedFd<'_>,
    _: BorrowedFd<'_>,
    _: u64,
    _: usize,
) -> Result<usize, Os> {
    Err(unsupported("copyfile"))
}
