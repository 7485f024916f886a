//! Lists the names in a directory, through a descriptor of its own.
#![allow(
    unsafe_code,
    reason = "the safe wrapper leaks its descriptor when it fails"
)]

use super::{OFlag, named, open_at};
use crate::error::Os;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd};
use std::ptr::NonNull;

/// An open directory stream (opendir(3)). Closes it, and its descriptor, when dropped.
struct Listing(NonNull<libc::DIR>);

impl Listing {
    /// Opens the directory a second time, for reading: the stream moves the offset of its
    /// descriptor.
    fn open(dir: BorrowedFd<'_>) -> Result<Self, Os> {
        let readable = open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        // SAFETY: the descriptor is open and ours. The call takes it over only when it succeeds.
        let stream = unsafe { libc::fdopendir(readable.as_raw_fd()) };
        let Some(stream) = NonNull::new(stream) else {
            // `readable` is still the owner here, and closes the descriptor once.
            return named("scandir", Err(Errno::last()));
        };
        // The stream owns the descriptor from here on: `closedir` closes it.
        let _ = readable.into_raw_fd();
        Ok(Self(stream))
    }

    /// Returns the next name, `.` and `..` included; `None` at the end.
    fn next(&mut self) -> Result<Option<&[u8]>, Os> {
        // readdir(3) returns null at the end and on an error, but sets errno only for an error.
        Errno::clear();
        // SAFETY: the stream is open, and exclusively borrowed for the length of the call.
        let entry = unsafe { libc::readdir(self.0.as_ptr()) };
        let Some(entry) = NonNull::new(entry) else {
            return match Errno::last() {
                Errno::UnknownErrno if Errno::last_raw() == 0 => Ok(None),
                errno => named("scandir", Err(errno)),
            };
        };
        // A pointer to the field: an entry is only as long as its name, so that a reference to the
        // whole structure would span memory behind it.
        // SAFETY: the entry is valid until the next call on this stream, which the borrow prevents.
        let name = unsafe { &raw const (*entry.as_ptr()).d_name };
        // SAFETY: the name ends with a NUL, and lives as long as its entry.
        Ok(Some(unsafe { CStr::from_ptr(name.cast()) }.to_bytes()))
    }

    /// Returns the next name, without `.` and `..`.
    fn next_name(&mut self) -> Result<Option<Vec<u8>>, Os> {
        while let Some(name) = self.next()? {
            if !matches!(name, b"." | b"..") {
                return Ok(Some(name.to_vec()));
            }
        }
        Ok(None)
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and nothing uses it afterwards.
        let _ = unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

/// Returns the names in a directory, without `.` and `..`.
pub(crate) fn list(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Os> {
    let mut listing = Listing::open(dir)?;
    let mut names = Vec::new();
    while let Some(name) = listing.next_name()? {
        names.push(name);
    }
    Ok(names)
}

/// Returns whether a directory has no entries, by reading it.
pub(crate) fn is_empty_directory(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(Listing::open(dir)?.next_name()?.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn lists_names_of_any_length_and_nothing_else() {
        let base = std::env::temp_dir().join(format!("holdfast-listing-{}", std::process::id()));
        std::fs::create_dir_all(&base).unwrap();
        let dir = File::open(&base).unwrap();
        assert!(is_empty_directory(dir.as_fd()).unwrap());
        let mut expected = vec![b"a".to_vec(), vec![b'x'; 255]];
        for name in &expected {
            std::fs::write(base.join(str::from_utf8(name).unwrap()), "").unwrap();
        }
        let mut names = list(dir.as_fd()).unwrap();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
        assert!(!is_empty_directory(dir.as_fd()).unwrap());
        let file = File::open(base.join("a")).unwrap();
        assert_eq!(list(file.as_fd()).unwrap_err().errno, libc::ENOTDIR);
        std::fs::remove_dir_all(&base).unwrap();
    }
}
