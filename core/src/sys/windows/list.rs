//! Lists the names in a directory.

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

/// Returns the names in a directory, without `.` and `..`, through a handle of its own.
pub(crate) fn list(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Os> {
    const SIZE: usize = 64 * 1024;
    let readable =
        reopen(dir, FILE_LIST_DIRECTORY).map_err(|status| of_status("scandir", status))?;
    // Entries are aligned to eight bytes.
    let mut place = vec![0_u64; SIZE / 8];
    let mut names = Vec::new();
    let mut class = FileIdBothDirectoryRestartInfo;
    loop {
        // SAFETY: the handle is open for synchronous use; the buffer is ours and has the given
        // size.
        let result = unsafe {
            GetFileInformationByHandleEx(
                raw(readable.as_fd()),
                class,
                place.as_mut_ptr().cast::<c_void>(),
                SIZE as u32,
            )
        };
        // SAFETY: the call takes no arguments and returns a number.
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

/// Collects the names from a block of `FILE_ID_BOTH_DIR_INFO`. Names that are not valid Unicode are
/// skipped: this package cannot create or open them.
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

/// Returns whether a directory has no entries.
pub(crate) fn is_empty_directory(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(list(dir)?.is_empty())
}
