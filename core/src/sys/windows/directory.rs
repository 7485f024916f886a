//! The entries of a directory: `GetFileInformationByHandleEx`.

use super::errno::{last, of_status};
use super::fd::{AsFd, BorrowedFd, OwnedFd, raw};
use super::open::{OFlag, open_absolute, reopen};
use super::path::fd_path;
use crate::error::Os;
use crate::path;
use crate::sys::types::{DirEntry, S_IFDIR, S_IFREG};
use std::ffi::c_void;
use std::mem::offset_of;
use std::os::windows::io::AsHandle;
use windows_sys::Win32::Foundation::{ERROR_NO_MORE_FILES, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ID_BOTH_DIR_INFO,
    FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_TRAVERSE, FileIdBothDirectoryInfo,
    FileIdBothDirectoryRestartInfo, GetFileInformationByHandleEx,
};

/// Bytes that one call fills at most.
const BLOCK: usize = 64 * 1024;

/// An open directory and the records that were read from it.
#[derive(Debug)]
pub(crate) struct Directory {
    handle: OwnedFd,
    /// Records are aligned to eight bytes.
    block: Vec<u64>,
    /// Offset of the next record; `None` where the block is used up.
    at: Option<usize>,
    /// The name of the last record.
    name: Vec<u8>,
    has_begun: bool,
    is_read: bool,
}

impl Directory {
    /// Opens a directory a second time, for reading: the position belongs to the handle.
    pub(crate) fn open(dir: BorrowedFd<'_>) -> Result<Self, Os> {
        let access = FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | FILE_TRAVERSE;
        Self::of(reopen(dir, access).map_err(|status| of_status("scandir", status))?)
    }

    /// Takes a handle that is open for reading and has no other user.
    pub(crate) fn of(handle: OwnedFd) -> Result<Self, Os> {
        Ok(Self {
            handle,
            block: Vec::new(),
            at: None,
            name: Vec::new(),
            has_begun: false,
            is_read: false,
        })
    }

    /// Returns the next entry, without `.` and `..`; `None` at the end. The memory of the records
    /// is freed there.
    pub(crate) fn next(&mut self) -> Result<Option<DirEntry<'_>>, Os> {
        loop {
            if self.at.is_none() && self.fill()? {
                self.at = Some(0);
            }
            let Some(at) = self.at else {
                return Ok(None);
            };
            let attributes = self.number(at + offset_of!(FILE_ID_BOTH_DIR_INFO, FileAttributes));
            let length = self.number(at + offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength));
            let start = at + offset_of!(FILE_ID_BOTH_DIR_INFO, FileName);
            let wide: Vec<u16> = (start..start + length as usize)
                .step_by(2)
                .map(|unit| u16::from_ne_bytes([self.byte(unit), self.byte(unit + 1)]))
                .collect();
            self.at = match self.number(at) {
                0 => None,
                next => Some(at + next as usize),
            };
            self.name = encode(&wide);
            if matches!(self.name.as_slice(), b"" | b"." | b"..") {
                continue;
            }
            let id = at + offset_of!(FILE_ID_BOTH_DIR_INFO, FileId);
            let ino = u64::from(self.number(id)) | u64::from(self.number(id + 4)) << 32;
            // A reparse point may be a symlink, a junction, or a file that a filter driver serves.
            let kind = if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
                None
            } else if attributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
                Some(S_IFDIR)
            } else {
                Some(S_IFREG)
            };
            return Ok(Some(DirEntry {
                name: &self.name,
                kind,
                ino,
            }));
        }
    }

    fn byte(&self, at: usize) -> u8 {
        let word = self.block.get(at / 8).copied().unwrap_or_default();
        word.to_ne_bytes()[at % 8]
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_ne_bytes([0, 1, 2, 3].map(|byte| self.byte(at + byte)))
    }

    /// Reads the next records. Returns false at the end.
    fn fill(&mut self) -> Result<bool, Os> {
        if self.is_read {
            return Ok(false);
        }
        self.block.resize(BLOCK / 8, 0);
        let class = if self.has_begun {
            FileIdBothDirectoryInfo
        } else {
            FileIdBothDirectoryRestartInfo
        };
        // SAFETY: the handle is open for synchronous use; the buffer is ours and has the given
        // size.
        let result = unsafe {
            GetFileInformationByHandleEx(
                raw(self.handle.as_fd()),
                class,
                self.block.as_mut_ptr().cast::<c_void>(),
                BLOCK as u32,
            )
        };
        self.has_begun = true;
        if result != 0 {
            return Ok(true);
        }
        // SAFETY: the call takes no arguments and returns a number.
        if unsafe { GetLastError() } != ERROR_NO_MORE_FILES {
            return Err(last("scandir"));
        }
        self.is_read = true;
        self.block = Vec::new();
        Ok(false)
    }
}

impl AsHandle for Directory {
    fn as_handle(&self) -> BorrowedFd<'_> {
        self.handle.as_handle()
    }
}

/// Opens the parent of a directory for reading, by its path: `..` is no name to the system. The
/// caller compares the identity.
pub(crate) fn open_parent(dir: BorrowedFd<'_>) -> Result<OwnedFd, Os> {
    let own = fd_path(dir)?;
    let parent = path::split(&own).map_or(&own[..], |(parent, _)| parent);
    open_absolute(parent, OFlag::O_RDONLY | OFlag::O_DIRECTORY)
}

/// Converts a name to UTF-8. A unit that is no character is encoded as if it were one (WTF-8), so
/// that the name is valid nowhere and equal to no other.
fn encode(wide: &[u16]) -> Vec<u8> {
    let mut name = Vec::with_capacity(wide.len());
    for unit in char::decode_utf16(wide.iter().copied()) {
        match unit {
            Ok(character) => {
                name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                let six = |shift: u16| 0x80 | (unit >> shift & 0x3f).to_le_bytes()[0];
                name.extend_from_slice(&[0xe0 | (unit >> 12).to_le_bytes()[0], six(6), six(0)]);
            }
        }
    }
    name
}

/// Returns whether a directory without links was removed.
pub(crate) fn is_removed_directory(_: BorrowedFd<'_>) -> bool {
    true
}
