//! Serialises the writers of one file.
//!
//! - Within the process: a table of the files being overwritten, by device and inode. Other
//!   programs cannot affect it.
//! - Between processes: an open file description lock (`F_OFD_SETLK`, kernel 3.15) on one byte far
//!   beyond the end of the file. A write lock needs write permission, and a killed process loses
//!   it.
//!
//! A read lock conflicts with the write lock too, and every process with read permission can hold
//! one. It is waited for only briefly and then ignored, so a reader cannot block a write. Where
//! there are no such locks (macOS, Windows, some network file systems), only writers of one process
//! exclude each other.

use crate::error::Os;
use crate::sys::{self, BorrowedFd, Stat};
use std::collections::HashSet;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a write in place waits for another writer.
pub(in crate::ops::write) const WRITER_WAIT: Duration = Duration::from_secs(10);

/// How long an update waits for the lock of the file that it replaces. Another update holds it for the
/// time of a rename; a lock of another program may stay.
pub(in crate::ops::write) const UPDATE_WAIT: Duration = Duration::from_secs(1);

/// How long to wait for the lock of a reader.
const READER_WAIT: Duration = Duration::from_millis(100);

/// The first pause between two tries. Each pause is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The locked byte: the last one that a lock can cover.
const BYTE: i64 = i64::MAX - 1;

/// The error when another writer does not finish in time.
const BUSY: Os = Os {
    errno: sys::EBUSY,
    syscall: "fcntl",
};

type Identity = (u64, u64);

/// Files that this process is overwriting.
static WRITTEN: LazyLock<Mutex<HashSet<Identity>>> = LazyLock::new(Mutex::default);
static IS_FREE: Condvar = Condvar::new();

fn written() -> MutexGuard<'static, HashSet<Identity>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock of one writer. Dropping it removes the entry from the table; the byte lock ends with
/// the descriptor.
#[derive(Debug)]
pub(in crate::ops::write) struct Lock(Identity);

impl Lock {
    /// Waits, for a bounded time, until no other writer holds the file.
    ///
    /// # Errors
    ///
    /// EBUSY while another writer holds it, and once the call `is_over`.
    pub(in crate::ops::write) fn take(
        fd: BorrowedFd<'_>,
        stat: &Stat,
        wait: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Self, Os> {
        let deadline = Instant::now() + wait;
        let lock = Self::enter((stat.dev, stat.ino), deadline, is_over)?;
        lock_byte(fd, deadline, is_over)?;
        Ok(lock)
    }

    fn enter(
        identity: Identity,
        deadline: Instant,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Self, Os> {
        let mut files = written();
        loop {
            if files.insert(identity) {
                return Ok(Self(identity));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || is_over() {
                return Err(BUSY);
            }
            (files, _) = IS_FREE
                .wait_timeout(files, left.min(MAX_PAUSE))
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        written().remove(&self.0);
        IS_FREE.notify_all();
    }
}

fn lock_byte(fd: BorrowedFd<'_>, deadline: Instant, is_over: &dyn Fn() -> bool) -> Result<(), Os> {
    let patience = Instant::now() + READER_WAIT;
    let mut pause = FIRST_PAUSE;
    loop {
        match sys::lock_byte_for_writing(fd, BYTE) {
            Ok(()) => return Ok(()),
            Err(os) if matches!(os.errno, sys::EAGAIN | sys::EACCES) => {}
            // This file system has no such locks.
            Err(_) => return Ok(()),
        }
        let is_writer = sys::is_byte_locked_for_writing(fd, BYTE).unwrap_or(false);
        let now = Instant::now();
        if !is_writer && now >= patience {
            return Ok(());
        }
        if now >= deadline || is_over() {
            return Err(BUSY);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(MAX_PAUSE);
    }
}
