//! One writer of a file at a time.
//!
//! - In this process: a table of the files that are being written over, by device and inode. No other
//!   program has a say in it.
//! - Between processes: a write lock on one byte of the file, far beyond its end, which the open file
//!   description has (`F_OFD_SETLK`, kernel 3.15). Only who may write the file can hold it, and a
//!   killed process loses it.
//!
//! A read lock, which everybody can take who may read the file, is in the way of the write lock
//! too. It is waited for only briefly and then ignored: a reader cannot keep a file from being
//! written. Where there are no such locks (macOS, Windows, some network file systems), only writers
//! of one process exclude each other.

use crate::error::Os;
use crate::sys::{self, BorrowedFd, Stat};
use std::collections::HashSet;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long another writer is waited for.
const WRITER_WAIT: Duration = Duration::from_secs(10);

/// How long the lock of a reader is waited for.
const READER_WAIT: Duration = Duration::from_millis(100);

/// The first pause between two tries; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The byte that is locked: the last one that a lock can have.
const BYTE: i64 = i64::MAX - 1;

/// What is returned when another writer does not finish.
const BUSY: Os = Os {
    errno: sys::EBUSY,
    syscall: "fcntl",
};

type Identity = (u64, u64);

/// Files that this process is writing over.
static WRITTEN: LazyLock<Mutex<HashSet<Identity>>> = LazyLock::new(Mutex::default);
static IS_FREE: Condvar = Condvar::new();

fn written() -> MutexGuard<'static, HashSet<Identity>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to write over a file. Dropping it ends the entry in the table; the lock on the byte ends
/// with the descriptor.
#[derive(Debug)]
pub(super) struct Lock(Identity);

impl Lock {
    /// Waits until no other writer has the file, for a bounded time.
    ///
    /// # Errors
    ///
    /// EBUSY while another writer has it.
    pub(super) fn take(fd: BorrowedFd<'_>, stat: &Stat) -> Result<Self, Os> {
        let deadline = Instant::now() + WRITER_WAIT;
        let lock = Self::enter((stat.dev, stat.ino), deadline)?;
        lock_byte(fd, deadline)?;
        Ok(lock)
    }

    fn enter(identity: Identity, deadline: Instant) -> Result<Self, Os> {
        let mut files = written();
        loop {
            if files.insert(identity) {
                return Ok(Self(identity));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BUSY);
            }
            (files, _) = IS_FREE
                .wait_timeout(files, left)
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

fn lock_byte(fd: BorrowedFd<'_>, deadline: Instant) -> Result<(), Os> {
    let patience = Instant::now() + READER_WAIT;
    let mut pause = FIRST_PAUSE;
    loop {
        match sys::lock_byte_for_writing(fd, BYTE) {
            Ok(()) => return Ok(()),
            Err(os) if matches!(os.errno, sys::EAGAIN | sys::EACCES) => {}
            // There are no such locks here.
            Err(_) => return Ok(()),
        }
        let is_writer = sys::is_byte_locked_for_writing(fd, BYTE).unwrap_or(false);
        let now = Instant::now();
        if !is_writer && now >= patience {
            return Ok(());
        }
        if now >= deadline {
            return Err(BUSY);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
