//! Counts failed syncs by file system.
//!
//! A journal commits the writes of several callers in one transaction. When the commit fails, the
//! callers that wait for it get the error. A caller that syncs a moment later gets success,
//! although its content may be lost (seen on ext4 and xfs, Linux 6.18). So a successful sync counts
//! only if no sync on the same file system has failed since the file was published. Which content
//! was lost is unknown, so every such sync is in doubt.
//!
//! All syncs of this crate go through this module. Without a failure the check costs one atomic
//! load.

use crate::error::Os;
use crate::sys::{self, BorrowedFd, FileSystem};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Number of failed syncs so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The most recent failures, the latest last. Their numbers are values of [`COUNT`].
static FAILURES: RwLock<VecDeque<Failure>> = RwLock::new(VecDeque::new());
const MAX_FAILURES: usize = 64;

#[derive(Debug)]
struct Failure {
    number: u64,
    /// The file system of the failure; `None` until it is known.
    file_system: Option<FileSystem>,
}

/// A point in time, for [`has_failed_since`].
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Mark(u64);

/// Returns the current point in time.
pub(in crate::ops) fn mark() -> Mark {
    Mark(COUNT.load(Ordering::SeqCst))
}

/// Returns whether a sync on the descriptor's file system has failed since `mark`. Returns true
/// where that cannot be determined.
pub(in crate::ops) fn has_failed_since(mark: Mark, fd: BorrowedFd<'_>) -> bool {
    if COUNT.load(Ordering::SeqCst) == mark.0 {
        return false;
    }
    let here = sys::file_system_of(fd);
    let failures = FAILURES.read().unwrap_or_else(PoisonError::into_inner);
    // Failures that were dropped from the list may have been on this file system.
    let forgets = failures
        .front()
        .is_none_or(|oldest| oldest.number > mark.0 + 1);
    let may_be_here = |failure: &Failure| match &failure.file_system {
        Some(file_system) => file_system.may_be(&here),
        None => true,
    };
    forgets
        || failures
            .iter()
            .rev()
            .take_while(|failure| failure.number > mark.0)
            .any(may_be_here)
}

/// Syncs a file once: after a failure, a second sync returns success for lost pages.
pub(in crate::ops) fn sync_file(fd: BorrowedFd<'_>) -> Result<(), Os> {
    sys::sync(fd).inspect_err(|os| note(fd, *os))
}

/// Syncs a directory once.
pub(in crate::ops) fn sync_directory(fd: BorrowedFd<'_>) -> Result<(), Os> {
    sys::sync_directory(fd).inspect_err(|os| note(fd, *os))
}

/// Counts an errno that blames the device or the journal. A full disk or a quota concerns one file.
fn note(fd: BorrowedFd<'_>, os: Os) {
    if !matches!(os.errno, sys::EIO | sys::EROFS) {
        return;
    }
    // The failure first, its file system second: concurrent syncs are in doubt until that is known.
    let number = add(None);
    let file_system = sys::file_system_of(fd);
    let mut failures = FAILURES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = failures.iter_mut().find(|failure| failure.number == number) {
        failure.file_system = Some(file_system);
    }
}

fn add(file_system: Option<FileSystem>) -> u64 {
    let mut failures = FAILURES.write().unwrap_or_else(PoisonError::into_inner);
    let number = COUNT.load(Ordering::SeqCst) + 1;
    if failures.len() == MAX_FAILURES {
        failures.pop_front();
    }
    failures.push_back(Failure {
        number,
        file_system,
    });
    COUNT.store(number, Ordering::SeqCst);
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::AsFd;
    use std::fs::File;

    fn error(errno: i32) -> Os {
        Os {
            errno,
            syscall: "fsync",
        }
    }

    /// One test, since the counter is global to the process.
    #[test]
    fn counts_what_says_that_the_device_is_at_fault() {
        let here = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let here = here.as_fd();
        let before = mark();
        assert!(!has_failed_since(before, here));
        note(here, error(sys::ENOENT));
        assert!(!has_failed_since(before, here));
        for errno in [sys::EIO, sys::EROFS] {
            let before = mark();
            note(here, error(errno));
            assert!(has_failed_since(before, here));
            assert!(!has_failed_since(mark(), here));
        }
        assert!(has_failed_since(before, here));

        #[cfg(target_os = "linux")]
        {
            let elsewhere = File::open("/proc").unwrap();
            assert!(!has_failed_since(before, elsewhere.as_fd()));
            for _ in 0..=MAX_FAILURES {
                note(elsewhere.as_fd(), error(sys::EIO));
            }
            assert!(has_failed_since(before, here), "more than are remembered");
        }

        let before = mark();
        add(None);
        assert!(has_failed_since(before, here), "not known where");
    }
}
