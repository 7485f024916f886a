//! The names in a directory.

use super::errno::{last, of_status};
use super::fd::{AsFd, BorrowedFd, raw};
use super::open::reopen;
use crate::error::Os;
use std::ffi::c_void;
use std::mem::offset_of;
use windows_sys::Win32::Foundation::{ERROR_NO_MORE_FILES, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ID_BOTH_DIR_INFO, FILE_LIST_DIRECTORY, FileIdBothDirectoryInfo,
    FileIdBothDirectoryRestartInfo, GetFileInformationByHandleEx,
};

/// The names in a directory, but for `.` and `..`, read through a handle of its own.
pub(crate) fn list(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Os> {
    const SIZE: usize = 64 * 1024;
    let readable =
        reopen(dir, FILE_LIST_DIRECTORY).map_err(|status| of_status("scandir", status))?;
    // Entries begin at multiples of eight.
    let mut place = vec![0_u64; SIZE / 8];
    let mut names = Vec::new();
    let mut class = FileIdBothDirectoryRestartInfo;
    loop {
        // SAFETY: the handle is open for synchronous use; the place is ours and has the size that
        // is given.
        let result = unsafe {
            GetFileInformationByHandleEx(
                raw(readable.as_fd()),
                class,
                place.as_mut_ptr().cast::<c_void>(),
                SIZE as u32,
            )
        };
        // SAFETY: the call takes nothing and answers a number.
        if result == 0 && unsafe { GetLastError() } == ERROR_NO_MORE_FILES {
            return Ok(names);
        }
        if result == 0 {
            return Err(last("scandir"));
        }
        let bytes: Vec<u8> = place.iter().flat_map(|word| word.to_ne_bytes()).collect();
        collect_names(&bytes, &mut names);
        class = FileIdBothDirectoryInfo;
    }
}

/// Takes the names out of a block of `FILE_ID_BOTH_DIR_INFO`. One that is not Unicode is none that
/// this package could have given or could be asked for.
fn collect_names(block: &[u8], names: &mut Vec<Vec<u8>>) {
    let number = |at: usize| {
        let bytes = block.get(at..at + 4)?;
        Some(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    };
    let mut entry = 0;
    loop {
        let length = number(entry + offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength));
        let start = entry + offset_of!(FILE_ID_BOTH_DIR_INFO, FileName);
        let text = length.and_then(|length| block.get(start..start + length));
        let wide: Vec<u16> = text
            .unwrap_or_default()
            .chunks_exact(2)
            .map(|unit| u16::from_ne_bytes([unit[0], unit[1]]))
            .collect();
        match String::from_utf16(&wide) {
            Ok(name) if !matches!(name.as_str(), "" | "." | "..") => names.push(name.into_bytes()),
            _ => {}
        }
        match number(entry) {
            None | Some(0) => return,
            Some(next) => entry += next,
        }
    }
}

/// Whether a directory has no entries.
pub(crate) fn is_empty_directory(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(list(dir)?.is_empty())
}
