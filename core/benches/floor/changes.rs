//! Changes of names: rename and copy.

use crate::calls::{c_string, checked, close, fstat, is_at, open_at, open_directory, read_at};
use nix::libc;
use std::ffi::CString;
use std::os::fd::RawFd;

/// Renames a file to and fro in an open directory.
pub(super) struct Rename {
    directory: RawFd,
    names: [CString; 2],
}

impl Rename {
    pub(super) fn new(dir: &str) -> Self {
        std::fs::write(format!("{dir}/floor-0"), "").expect("a file");
        let _ = std::fs::remove_file(format!("{dir}/floor-1"));
        Self {
            directory: open_directory(&c_string(dir)),
            names: ["floor-0", "floor-1"].map(c_string),
        }
    }

    pub(super) fn run(&mut self) {
        let [from, to] = &self.names;
        // SAFETY: both names are C strings that outlive the call.
        let result = unsafe {
            libc::renameat2(
                self.directory,
                from.as_ptr(),
                self.directory,
                to.as_ptr(),
                libc::RENAME_NOREPLACE,
            )
        };
        checked(result.into());
        self.names.swap(0, 1);
    }
}

impl Drop for Rename {
    fn drop(&mut self) {
        close(self.directory);
    }
}

/// Copies a file in its directory, to a new name or over a file. Removes the copies at its end.
pub(super) struct Copy {
    path: String,
    directory: RawFd,
    source: CString,
    is_over: bool,
    made: u32,
}

impl Copy {
    pub(super) fn new(source: &str, is_over: bool) -> Self {
        let (path, name) = source.rsplit_once('/').expect("an absolute path");
        Self {
            path: path.to_owned(),
            directory: open_directory(&c_string(path)),
            source: c_string(name),
            is_over,
            made: 0,
        }
    }

    pub(super) fn run(&mut self) {
        let source = open_at(self.directory, &self.source, libc::O_RDONLY, 0);
        let size = fstat(source).st_size;
        let number = if self.is_over { 0 } else { self.made };
        let target = c_string(&format!("floor-copy-{number}"));
        self.made += 1;
        let _ = is_at(self.directory, &target);
        if self.is_over {
            let temporary = c_string(".floor-copy.tmp");
            let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
            let copy = open_at(self.directory, &temporary, flags, 0o644);
            fill(source, copy, size);
            let (dir, from, to) = (self.directory, temporary.as_ptr(), target.as_ptr());
            // SAFETY: both names are C strings that outlive the call.
            checked(unsafe { libc::renameat(dir, from, dir, to) }.into());
            close(copy);
        } else {
            let flags = libc::O_RDWR | libc::O_TMPFILE;
            let copy = open_at(self.directory, c".", flags, 0o644);
            fill(source, copy, size);
            let (to, flags) = (target.as_ptr(), libc::AT_EMPTY_PATH);
            // SAFETY: both names are C strings that outlive the call.
            let result = unsafe { libc::linkat(copy, c"".as_ptr(), self.directory, to, flags) };
            checked(result.into());
            close(copy);
        }
        close(source);
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        close(self.directory);
        for number in 0..if self.is_over { 1 } else { self.made } {
            std::fs::remove_file(format!("{}/floor-copy-{number}", self.path)).expect("a copy");
        }
    }
}

/// Asks for a shared copy, then copies in the kernel, and looks for bytes that came meanwhile.
fn fill(source: RawFd, copy: RawFd, size: libc::off_t) {
    fstat(copy);
    // SAFETY: the call takes numbers only. It fails where content cannot be shared.
    if unsafe { libc::ioctl(copy, libc::FICLONE as _, source) } == 0 {
        return;
    }
    let mut at = 0;
    while at < size {
        let (mut from, mut to) = (at, at);
        // SAFETY: both offsets are ours and outlive the call.
        let count =
            unsafe { libc::copy_file_range(source, &raw mut from, copy, &raw mut to, 4 << 20, 0) };
        at += checked(count as libc::c_long);
    }
    let mut more = [0; 4096];
    assert_eq!(read_at(source, &mut more, size), 0);
}
