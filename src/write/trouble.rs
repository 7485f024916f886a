//! Syncs that failed, counted by file system.
//!
//! A journal commits what several callers wrote in one transaction. When that fails, those who wait
//! for it are told; one who asks a moment later has nothing to wait for, and is told that all is
//! well (seen on ext4 and xfs, Linux 6.18). So a sync that succeeds counts only if none on the same
//! file system has failed since the file was published. Nobody can tell whose content it was that
//! was lost, so everybody's is in doubt.

use crate::sys;
use std::sync::{PoisonError, RwLock};

/// Devices, and how many syncs have failed on each. There are few that fail.
static FAILED: RwLock<Vec<(u64, u64)>> = RwLock::new(Vec::new());

/// How many syncs have failed on a device so far.
pub(super) fn count(device: u64) -> u64 {
    let failed = FAILED.read().unwrap_or_else(PoisonError::into_inner);
    failed
        .iter()
        .find(|(known, _)| *known == device)
        .map_or(0, |(_, count)| *count)
}

/// Notes that one has, if it says that the device or the journal is at fault: a full disk or a quota
/// is one file's affair.
pub(super) fn note(device: u64, errno: i32) {
    if !matches!(errno, sys::EIO | sys::EROFS) {
        return;
    }
    let mut failed = FAILED.write().unwrap_or_else(PoisonError::into_inner);
    match failed.iter_mut().find(|(known, _)| *known == device) {
        Some((_, count)) => *count += 1,
        None => failed.push((device, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_that_of_its_device() {
        let (one, other) = (u64::MAX, u64::MAX - 1);
        let before = (count(one), count(other));
        note(one, sys::EIO);
        note(one, sys::EROFS);
        note(one, sys::ENOENT);
        assert_eq!((count(one), count(other)), (before.0 + 2, before.1));
    }
}
