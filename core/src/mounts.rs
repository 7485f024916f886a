//! What kind of file system a mount has: learned once, by asking, and remembered by the mount's number.

use crate::sys::{self, BorrowedFd, Distance, Stat};
use std::sync::{PoisonError, RwLock};

/// Mounts, and how far away they are. A mount's number is never given again, so what is known of
/// one stays true; the oldest is forgotten when there are too many.
static MOUNTS: RwLock<Vec<(u64, Distance)>> = RwLock::new(Vec::new());
const MOST_MOUNTS: usize = 128;

/// What is known of a mount. Nobody is asked.
pub(crate) fn known(mount: u64) -> Option<Distance> {
    let mounts = MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    mounts
        .iter()
        .find(|(number, _)| *number == mount)
        .map(|(_, distance)| *distance)
}

/// Finds out how far away the mount of a descriptor is. It may wait.
///
/// `None`: it has no number that stays its own, or it cannot be found out.
pub(crate) fn learn(fd: BorrowedFd<'_>) -> Option<(u64, Distance)> {
    let mount = sys::stat(fd).ok()?.mount?;
    if let Some(distance) = known(mount) {
        return Some((mount, distance));
    }
    let distance = sys::distance(fd).ok()?;
    remember(mount, distance);
    Some((mount, distance))
}

/// How far away the file system of a file is whose stat is at hand. The file system is asked where
/// its mount is not known, or has no number to be known by.
///
/// `None` when it does not answer; that is not remembered.
pub(crate) fn distance_of(fd: BorrowedFd<'_>, stat: &Stat) -> Option<Distance> {
    if let Some(distance) = stat.mount.and_then(known) {
        return Some(distance);
    }
    let distance = sys::distance(fd).ok()?;
    if let Some(mount) = stat.mount {
        remember(mount, distance);
    }
    Some(distance)
}

fn remember(mount: u64, distance: Distance) {
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    if mounts.len() >= MOST_MOUNTS {
        mounts.remove(0);
    }
    mounts.push((mount, distance));
}
