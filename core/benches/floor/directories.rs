//! Directories: an existing one, a new one, and a whole tree.

use crate::calls::{c_string, checked, close, fstat, open_at, open_directory, open_without_links};
use nix::libc;
use std::ffi::{CStr, CString};
use std::os::fd::RawFd;

pub(super) fn ensure_dir(path: &CStr) {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let fd = open_without_links(path, flags);
    assert_eq!(fstat(fd).st_mode & 0o077, 0);
    close(fd);
}

/// Makes new directories in a parent, and removes them at its end.
pub(super) struct Fresh {
    parent: CString,
    path: String,
    counter: u32,
}

impl Fresh {
    pub(super) fn new(parent: &str) -> Self {
        std::fs::create_dir(parent).expect("a new directory");
        Self {
            parent: c_string(parent),
            path: parent.to_owned(),
            counter: 0,
        }
    }

    pub(super) fn run(&mut self) {
        self.counter += 1;
        let name = c_string(&self.counter.to_string());
        let parent = open_directory(&self.parent);
        // SAFETY: the name is a C string that outlives the call.
        checked(unsafe { libc::mkdirat(parent, name.as_ptr(), 0o700) }.into());
        let made = open_at(parent, &name, libc::O_PATH | libc::O_DIRECTORY, 0);
        assert_eq!(fstat(made).st_mode & 0o777, 0o700);
        close(parent);
        close(made);
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).expect("the directory of this slice");
    }
}

/// Lists a tree, and counts its entries.
pub(super) struct Walk {
    path: CString,
    entries: usize,
    /// A buffer for each depth.
    buffers: Vec<Vec<u8>>,
}

impl Walk {
    const BUFFER: usize = 32 * 1024;

    pub(super) fn new(path: &str) -> Self {
        Self {
            path: c_string(path),
            entries: 0,
            buffers: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let top = open_without_links(&self.path, flags);
        self.entries = 0;
        self.list(top, 0);
        assert_ne!(self.entries, 0);
    }

    fn list(&mut self, dir: RawFd, depth: usize) {
        if self.buffers.len() <= depth {
            self.buffers.push(vec![0; Self::BUFFER]);
        }
        let mut buffer = std::mem::take(&mut self.buffers[depth]);
        loop {
            // SAFETY: the buffer is writable memory of ours of the given length.
            let count = unsafe {
                libc::syscall(libc::SYS_getdents64, dir, buffer.as_mut_ptr(), buffer.len())
            };
            let filled = &buffer[..checked(count) as usize];
            if filled.is_empty() {
                break;
            }
            self.entries_of(dir, filled, depth);
        }
        self.buffers[depth] = buffer;
        close(dir);
    }

    /// A record has inode and offset in 8 bytes each, its length in 2, the kind in 1, then the name.
    fn entries_of(&mut self, dir: RawFd, mut records: &[u8], depth: usize) {
        while !records.is_empty() {
            let length = usize::from(u16::from_ne_bytes([records[16], records[17]]));
            let (record, rest) = records.split_at(length);
            records = rest;
            let name = CStr::from_bytes_until_nul(&record[19..]).expect("a name");
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.entries += 1;
            if record[18] == libc::DT_DIR {
                let flags = libc::O_RDONLY | libc::O_DIRECTORY;
                self.list(open_at(dir, name, flags, 0), depth + 1);
            }
        }
    }
}
