//! The entries of a directory: readdir(3), for systems whose own call is not public.
#![allow(
    unsafe_code,
    reason = "the safe wrapper leaks its descriptor when it fails"
)]

use super::{OFlag, kind_of_d_type, named, open_at};
use crate::error::Os;
use crate::sys::types::DirEntry;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr::NonNull;

/// An open directory stream (opendir(3)). Closes it, and its descriptor, when dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    stream: NonNull<libc::DIR>,
}

// SAFETY: a stream belongs to no thread; it is used through `&mut` or moved, and `as_fd` only reads
// the number of its descriptor, which never changes.
unsafe impl Send for Directory {}

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
    pub(crate) fn of(readable: OwnedFd) -> Result<Self, Os> {
        // SAFETY: the descriptor is open and ours. The call takes it over only when it succeeds.
        let stream = unsafe { libc::fdopendir(readable.as_raw_fd()) };
        let Some(stream) = NonNull::new(stream) else {
            // `readable` is still the owner here, and closes the descriptor once.
            return named("scandir", Err(Errno::last()));
        };
        // The stream owns the descriptor from here on: `closedir` closes it.
        let _ = readable.into_raw_fd();
        Ok(Self { stream })
    }

    /// Returns the next entry, without `.` and `..`; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<DirEntry<'_>>, Os> {
        loop {
            // readdir(3) returns null at the end and on an error, but sets errno only for an error.
            Errno::clear();
            // SAFETY: the stream is open, and exclusively borrowed for the length of the call.
            let entry = unsafe { libc::readdir(self.stream.as_ptr()) };
            let Some(entry) = NonNull::new(entry) else {
                return match Errno::last() {
                    Errno::UnknownErrno if Errno::last_raw() == 0 => Ok(None),
                    errno => named("scandir", Err(errno)),
                };
            };
            // A pointer to the field: an entry is only as long as its name, so that a reference to
            // the whole structure would span memory behind it.
            // SAFETY: the entry is valid until the next call on this stream, which the borrow
            // prevents.
            let name = unsafe { &raw const (*entry.as_ptr()).d_name };
            // SAFETY: the name ends with a NUL, and lives as long as its entry.
            let name = unsafe { CStr::from_ptr(name.cast()) }.to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if name.is_empty() || name.contains(&b'/') {
                return named("scandir", Err(Errno::EIO));
            }
            // SAFETY: as for the name.
            let d_type = unsafe { (*entry.as_ptr()).d_type };
            // SAFETY: as for the name.
            let ino = unsafe { (*entry.as_ptr()).d_ino };
            return Ok(Some(DirEntry {
                name,
                kind: kind_of_d_type(d_type),
                ino,
            }));
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the stream is open.
        let number = unsafe { libc::dirfd(self.stream.as_ptr()) };
        // SAFETY: the stream owns this descriptor, and closes it when it is dropped, which the
        // borrow prevents.
        unsafe { BorrowedFd::borrow_raw(number) }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and nothing uses it afterwards.
        let _ = unsafe { libc::closedir(self.stream.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_stream_returns_every_entry_once_with_its_kind() {
        let base = std::env::temp_dir().join(format!("holdfast-stream-{}", std::process::id()));
        std::fs::create_dir_all(base.join("directory")).unwrap();
        std::fs::write(base.join("file"), "").unwrap();
        let dir = File::open(&base).unwrap();
        let mut stream = Directory::open(dir.as_fd()).unwrap();
        let mut seen = Vec::new();
        while let Some(entry) = stream.next().unwrap() {
            seen.push(String::from_utf8(entry.name.to_vec()).unwrap());
            assert!(entry.kind.is_some() && entry.ino != 0);
        }
        seen.sort();
        assert_eq!(seen, ["directory", "file"]);
        assert!(nix::unistd::dup(stream.as_fd()).is_ok());
        std::fs::remove_dir_all(&base).unwrap();
    }
}
