//! Reads and writes of whole files.

use crate::calls::{
    c_string, checked, close, fstat, fsync, is_at, open_at, open_without_links, write_all,
};
use nix::libc;
use std::ffi::CString;
use std::os::fd::RawFd;

/// From this size on, a read gets fresh memory with huge pages, as in the addon.
const FRESH_MEMORY_FROM: usize = 4 << 20;
const MODE: libc::mode_t = 0o644;

pub(super) struct Read {
    path: CString,
    size: usize,
    buffer: Vec<u8>,
}

impl Read {
    pub(super) fn new(path: &str, size: usize) -> Self {
        let buffer = vec![
            1;
            if size < FRESH_MEMORY_FROM {
                size + 1
            } else {
                0
            }
        ];
        Self {
            path: c_string(path),
            size,
            buffer,
        }
    }

    pub(super) fn run(&mut self) {
        let fd = open_without_links(
            &self.path,
            libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC,
        );
        assert_eq!(fstat(fd).st_size as usize, self.size);
        if self.size < FRESH_MEMORY_FROM {
            read_exactly(fd, self.buffer.as_mut_ptr(), self.size);
        } else {
            with_fresh_memory(self.size, |start| read_exactly(fd, start, self.size));
        }
        close(fd);
    }
}

/// Up to this size the buffer has room for the probe byte, and one `read` takes both.
pub(super) const ONE_PLACE_UP_TO: usize = 16 * 1024;

/// Reads the content and a probe byte in one call. The short read proves the end of file.
pub(super) fn read_exactly(fd: RawFd, start: *mut u8, size: usize) {
    if size <= ONE_PLACE_UP_TO {
        // SAFETY: the buffer has room for the content and one byte more.
        let answer = unsafe { libc::read(fd, start.cast(), size + 1) };
        assert_eq!(checked(answer as libc::c_long) as usize, size);
        return;
    }
    let mut probe = 0_u8;
    let parts = [
        libc::iovec {
            iov_base: start.cast(),
            iov_len: size,
        },
        libc::iovec {
            iov_base: (&raw mut probe).cast(),
            iov_len: 1,
        },
    ];
    // SAFETY: both parts are writable memory of the given lengths.
    let answer = unsafe { libc::readv(fd, parts.as_ptr(), 2) };
    assert_eq!(checked(answer as libc::c_long) as usize, size);
}

pub(super) fn with_fresh_memory(size: usize, fill: impl FnOnce(*mut u8)) {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, at an address that the kernel chooses.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    // SAFETY: a hint for the new mapping. Kernels without huge pages fail, which is harmless.
    let _ = unsafe { libc::madvise(start, size, libc::MADV_HUGEPAGE) };
    fill(start.cast());
    // SAFETY: unmaps the new mapping, to which no other reference exists.
    checked(unsafe { libc::munmap(start, size) }.into());
}

pub(super) struct Publish {
    directory: CString,
    name: CString,
    data: Vec<u8>,
    synced: bool,
    counter: u64,
}

impl Publish {
    pub(super) fn new(path: &str, size: usize, synced: bool) -> Self {
        let (directory, name) = path.rsplit_once('/').expect("an absolute path");
        let data = b"holdfast ".iter().copied().cycle().take(size).collect();
        Self {
            directory: c_string(directory),
            name: c_string(name),
            data,
            synced,
            counter: 0,
        }
    }

    pub(super) fn run(&mut self) {
        self.counter += 1;
        let temporary = c_string(&format!(".floor-{:027x}.tmp", self.counter));
        // Only a directory opened for reading can be synced.
        let kind = if self.synced {
            libc::O_RDONLY
        } else {
            libc::O_PATH
        };
        let directory =
            open_without_links(&self.directory, kind | libc::O_DIRECTORY | libc::O_CLOEXEC);
        // A missing target is no failure.
        let _ = is_at(directory, &self.name);
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        let fd = open_at(directory, &temporary, flags, MODE);
        assert_eq!(fstat(fd).st_mode & 0o7777, MODE);
        write_all(fd, &self.data);
        if self.synced {
            fsync(fd);
        }
        close(fd);
        // SAFETY: both names are C strings that outlive the call.
        checked(
            unsafe { libc::renameat(directory, temporary.as_ptr(), directory, self.name.as_ptr()) }
                .into(),
        );
        if self.synced {
            fsync(directory);
        }
        close(directory);
    }
}
