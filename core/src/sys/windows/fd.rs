//! Handles, under the names of descriptors on other systems.

use std::os::windows::io::{AsHandle, AsRawHandle};
use windows_sys::Win32::Foundation::HANDLE;

pub(crate) use std::os::windows::io::{BorrowedHandle as BorrowedFd, OwnedHandle as OwnedFd};

/// Borrows a handle, under the name of other systems.
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
