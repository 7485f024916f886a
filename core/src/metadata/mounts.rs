//! What kind of file system a mount has: learned once, by asking, and remembered by the mount's number.

use crate::sys::{self, BorrowedFd, Locality, Stat};
use std::sync::{PoisonError, RwLock};

/// Mounts and their locality. A mount's number is never given again, so what is known of
/// one stays true; the oldest is forgotten when there are too many.
static MOUNTS: RwLock<Vec<(u64, Locality)>> = RwLock::new(Vec::new());
const MOST_MOUNTS: usize = 128;

/// What is known of a mount. Nobody is asked.
pub(crate) fn known(mount: u64) -> Option<Locality> {
    let mounts = MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    mounts
        .iter()
        .find(|(number, _)| *number == mount)
        .map(|(_, locality)| *locality)
}

/// Finds out the locality of the mount of a descriptor. It may wait.
///
/// `None`: it has no number that stays its own, or it cannot be found out.
pub(crate) fn learn(fd: BorrowedFd<'_>) -> Option<(u64, Locality)> {
    let mount = sys::statx(fd).ok()?.mount?;
    if let Some(locality) = known(mount) {
        return Some((mount, locality));
    }
    let locality = sys::locality(fd).ok()?;
    remember(mount, locality);
    Some((mount, locality))
}

/// Locality of the file system of a file whose stat is at hand. The file system is asked where
/// its mount is not known, or has no number to be known by.
///
/// `None` when it does not answer; that is not remembered.
pub(crate) fn locality_of(fd: BorrowedFd<'_>, stat: &Stat) -> Option<Locality> {
    if let Some(locality) = stat.mount.and_then(known) {
        return Some(locality);
    }
    let locality = sys::locality(fd).ok()?;
    if let Some(mount) = stat.mount {
        remember(mount, locality);
    }
    Some(locality)
}

fn remember(mount: u64, locality: Locality) {
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    if mounts.len() >= MOST_MOUNTS {
        mounts.remove(0);
    }
    mounts.push((mount, locality));
}
