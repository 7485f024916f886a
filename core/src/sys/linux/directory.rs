//! The entries of a directory: `getdents64(2)`.
#![allow(unsafe_code, reason = "the call has no safe wrapper")]

use crate::error::Os;
use crate::sys::types::DirEntry;
use crate::sys::unix::{kind_of_d_type, named, open_at, uninterrupted};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Bytes that one call fills at most, as in glibc.
const BLOCK: usize = 32 * 1024;

/// An open directory and the records that were read from it.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    block: Vec<u8>,
    /// Offset of the next record.
    at: usize,
    /// End of the records.
    end: usize,
    is_read: bool,
    is_removed: bool,
}

/// A record of the block: where the next one starts, and the end of the name.
struct Fields {
    next: usize,
    name_end: usize,
    ino: u64,
    d_type: u8,
}

/// Offsets in `struct linux_dirent64`.
const RECORD_LENGTH: usize = 16;
const TYPE: usize = 18;
const NAME: usize = 19;

impl Directory {
    /// Opens a directory a second time, for reading: reading moves the offset of its descriptor.
    pub(crate) fn open(dir: BorrowedFd<'_>) -> Result<Self, Os> {
        let readable = open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY);
        Self::of(readable.map_err(|os| Os {
            syscall: "scandir",
            ..os
        })?)
    }

    /// Takes a descriptor that is open for reading, at its start, and has no other user.
    #[allow(clippy::unnecessary_wraps, reason = "other systems can fail")]
    pub(crate) fn of(fd: OwnedFd) -> Result<Self, Os> {
        Ok(Self {
            fd,
            block: Vec::new(),
            at: 0,
            end: 0,
            is_read: false,
            is_removed: false,
        })
    }

    /// Returns the next entry, without `.` and `..`; `None` at the end. The memory of the records
    /// is freed there.
    pub(crate) fn next(&mut self) -> Result<Option<DirEntry<'_>>, Os> {
        loop {
            if self.at == self.end && !self.fill()? {
                return Ok(None);
            }
            let Some(fields) = self.fields() else {
                return Err(Os {
                    errno: libc::EIO,
                    syscall: "scandir",
                });
            };
            let name_start = self.at + NAME;
            self.at = fields.next;
            if !matches!(&self.block[name_start..fields.name_end], b"." | b"..") {
                return Ok(Some(DirEntry {
                    name: &self.block[name_start..fields.name_end],
                    kind: kind_of_d_type(fields.d_type),
                    ino: fields.ino,
                }));
            }
        }
    }

    /// Returns the fields of the next record; `None` for a record that no kernel writes, and for a
    /// name with a `/`, which old kernels pass on from a corrupt file system.
    fn fields(&self) -> Option<Fields> {
        let record = self.block.get(self.at..self.end)?;
        let length = record.get(RECORD_LENGTH..TYPE)?.try_into().ok()?;
        let length = usize::from(u16::from_ne_bytes(length));
        let name = record.get(NAME..length)?;
        let name_length = name.iter().position(|&byte| matches!(byte, 0 | b'/'))?;
        if name_length == 0 || name[name_length] == b'/' {
            return None;
        }
        Some(Fields {
            next: self.at + length,
            name_end: self.at + NAME + name_length,
            ino: u64::from_ne_bytes(record.get(..8)?.try_into().ok()?),
            d_type: *record.get(TYPE)?,
        })
    }

    /// Reads the next records. Returns false at the end.
    fn fill(&mut self) -> Result<bool, Os> {
        if self.is_read {
            return Ok(false);
        }
        self.block.resize(BLOCK, 0);
        let filled = uninterrupted(|| {
            // SAFETY: the descriptor is open and ours. The block is exclusive memory of the given
            // size, and any bytes are valid in it.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_getdents64,
                    self.fd.as_raw_fd(),
                    self.block.as_mut_ptr(),
                    self.block.len(),
                )
            };
            named("scandir", Errno::result(result))
        });
        self.at = 0;
        self.end = match filled {
            Ok(filled) => usize::try_from(filled).unwrap_or_default().min(BLOCK),
            // The directory was removed, and has no entries any more. readdir(3) does the same.
            Err(os) if os.errno == libc::ENOENT => {
                self.is_removed = true;
                0
            }
            Err(os) => return Err(os),
        };
        if self.end == 0 {
            self.is_read = true;
            self.block = Vec::new();
        }
        Ok(self.end > 0)
    }
}

/// Returns whether a directory without links was removed. A FUSE server may count no links of a
/// directory that exists.
pub(crate) fn is_removed_directory(dir: BorrowedFd<'_>) -> bool {
    Directory::open(dir)
        .is_ok_and(|mut directory| directory.fill().is_ok_and(|_| directory.is_removed))
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
