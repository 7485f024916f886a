//! Caches the kind of file system of each mount, by the mount's unique id.

use crate::sys::{self, BorrowedFd, Locality, Stat};
use std::sync::{PoisonError, RwLock};

/// What is known of a mount. A unique mount id is never reused, so an entry stays true.
#[derive(Clone, Copy)]
struct Mount {
    id: u64,
    locality: Locality,
    /// See [`sys::syncs_links`]; `None` until it is determined.
    syncs_links: Option<bool>,
}

/// The oldest entry is dropped when there are too many.
static MOUNTS: RwLock<Vec<Mount>> = RwLock::new(Vec::new());
const MAX_MOUNTS: usize = 128;

fn find(id: u64) -> Option<Mount> {
    let mounts = MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    mounts.iter().find(|mount| mount.id == id).copied()
}

/// Returns the cached locality of a mount. Makes no system call.
pub(crate) fn cached(mount: u64) -> Option<Locality> {
    find(mount).map(|mount| mount.locality)
}

/// Determines the locality of a descriptor's mount, and caches it. May block.
///
/// Returns `None` where the mount has no unique id, or where the calls fail.
pub(crate) fn probe(fd: BorrowedFd<'_>) -> Option<(u64, Locality)> {
    let mount = sys::statx(fd).ok()?.mount?;
    if let Some(locality) = cached(mount) {
        return Some((mount, locality));
    }
    let locality = sys::locality(fd).ok()?;
    remember(mount, locality);
    Some((mount, locality))
}

/// Returns the locality of a file whose stat is known. Calls the file system where its mount is not
/// cached or has no unique id.
///
/// Returns `None` when the call fails. A failure is not cached.
pub(crate) fn of_file(fd: BorrowedFd<'_>, stat: &Stat) -> Option<Locality> {
    if let Some(locality) = stat.mount.and_then(cached) {
        return Some(locality);
    }
    let locality = sys::locality(fd).ok()?;
    if let Some(mount) = stat.mount {
        remember(mount, locality);
    }
    Some(locality)
}

/// Returns whether the sync of a directory also writes the links of an unnamed file of this mount.
/// False where the calls fail; a failure is not cached.
pub(crate) fn syncs_links(file: BorrowedFd<'_>, stat: &Stat) -> bool {
    let known = stat.mount.and_then(find);
    if let Some(syncs) = known.and_then(|mount| mount.syncs_links) {
        return syncs;
    }
    let Ok(syncs) = sys::syncs_links(file, stat) else {
        return false;
    };
    if let Some(mount) = known {
        let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = mounts.iter_mut().find(|entry| entry.id == mount.id) {
            entry.syncs_links = Some(syncs);
        }
    }
    syncs
}

fn remember(id: u64, locality: Locality) {
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    if mounts.len() >= MAX_MOUNTS {
        mounts.remove(0);
    }
    mounts.push(Mount {
        id,
        locality,
        syncs_links: None,
    });
}
