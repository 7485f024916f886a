//! Locks and appends.

use crate::calls::{
    c_string, checked, close, fstat, is_at, open_at, open_directory, open_without_links, read_at,
    set_lock, write_all,
};
use nix::libc;
use std::ffi::CString;
use std::os::fd::RawFd;

const HEADER: &[u8; 14] = b"holdfast lock\n";
const LOCK_NAME: &str = ".floor-0123456789abcdef0123456789abcdef.lock";
const HOLDER: [u8; 63] = [b'x'; 63];
const LINE: [u8; 101] = {
    let mut line = [b'x'; 101];
    line[100] = b'\n';
    line
};

/// A file, and the lock file beside it.
struct Locked {
    directory: CString,
    lock: CString,
    name: CString,
}

impl Locked {
    fn new(file: &str) -> Self {
        let (directory, name) = file.rsplit_once('/').expect("an absolute path");
        std::fs::write(format!("{directory}/{LOCK_NAME}"), HEADER).expect("a lock file");
        Self {
            directory: c_string(directory),
            lock: c_string(LOCK_NAME),
            name: c_string(name),
        }
    }

    /// Opens the directory and the lock file, looks at both, locks, and looks at the name.
    fn lock(&self) -> (RawFd, RawFd) {
        let directory = open_directory(&self.directory);
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK;
        let lock = open_at(directory, &self.lock, flags, 0);
        let owner = fstat(lock).st_uid;
        // SAFETY: the call takes nothing.
        assert_eq!(unsafe { libc::geteuid() }, owner);
        fstat(directory);
        set_lock(lock, libc::F_WRLCK);
        assert!(is_at(directory, &self.lock));
        (directory, lock)
    }
}

/// The calls of an append that is not synced.
pub(super) struct Append(Locked);

impl Append {
    pub(super) fn new(file: &str) -> Self {
        std::fs::write(file, LINE).expect("a file");
        Self(Locked::new(file))
    }

    pub(super) fn run(&self) {
        let Self(locked) = self;
        let (directory, lock) = locked.lock();
        assert!(is_at(directory, &locked.name));
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_APPEND | libc::O_NONBLOCK;
        let file = open_at(directory, &locked.name, flags, 0);
        let size = fstat(file).st_size;
        let mut last = [0];
        assert_eq!(read_at(file, &mut last, size - 1), 1);
        write_all(file, &LINE);
        assert!(is_at(directory, &locked.name));
        set_lock(lock, libc::F_UNLCK);
        close(lock);
        close(directory);
        close(file);
    }
}

/// The calls of a lock and its release.
pub(super) struct Lock(Locked);

impl Lock {
    pub(super) fn new(file: &str) -> Self {
        Self(Locked::new(file))
    }

    pub(super) fn run(&self) {
        let Self(locked) = self;
        let (directory, lock) = locked.lock();
        // SAFETY: all-zero is a valid `statfs`.
        let mut file_system: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: the structure outlives the call.
        checked(unsafe { libc::fstatfs(lock, &raw mut file_system) }.into());
        let mut header = [0; HEADER.len()];
        assert_eq!(read_at(lock, &mut header, 0), header.len());
        // SAFETY: the call reads memory of ours of the given length.
        let written = unsafe {
            libc::pwrite(
                lock,
                HOLDER.as_ptr().cast(),
                HOLDER.len(),
                HEADER.len() as i64,
            )
        };
        assert_eq!(written as usize, HOLDER.len());

        assert!(is_at(directory, &locked.lock));
        let named = open_without_links(&locked.directory, libc::O_PATH | libc::O_CLOEXEC);
        fstat(named);
        close(named);
        // SAFETY: the call takes numbers only.
        checked(unsafe { libc::ftruncate(lock, HEADER.len() as i64) }.into());
        set_lock(lock, libc::F_UNLCK);
        close(lock);
        close(directory);
    }
}
