//! Handles, by the names that other systems have for descriptors.

use std::os::windows::io::{AsHandle, AsRawHandle};
use windows_sys::Win32::Foundation::HANDLE;

pub(crate) use std::os::windows::io::{BorrowedHandle as BorrowedFd, OwnedHandle as OwnedFd};

/// Borrowing a handle, by the name that other systems have for it.
pub(crate) trait AsFd {
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsHandle> AsFd for T {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.as_handle()
    }
}

pub(super) fn raw(fd: BorrowedFd<'_>) -> HANDLE {
    fd.as_raw_handle()
}
