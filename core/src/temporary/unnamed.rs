//! Where unnamed temporaries can be used.

use super::name::{SUFFIX, with_random_name};
use super::publication_errnos::is_refused_link;
use crate::metadata::locality;
use crate::sys::{self, AsFd, BorrowedFd, Locality, OwnedFd, Stat};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Where temporaries need names from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedOnly {
    /// A mount whose file system may report lost content at `close`.
    Mount(u64),
    /// A directory, by device and inode, in which an empty unnamed file could not be linked.
    Directory(u64, u64),
}

static NAMED_ONLY: RwLock<Vec<NamedOnly>> = RwLock::new(Vec::new());
/// Whether [`NAMED_ONLY`] has an entry. Without one, no call is made to search it.
static ANY_NAMED_ONLY: AtomicBool = AtomicBool::new(false);
const MAX_NAMED_ONLY: usize = 128;

fn give_names(entry: NamedOnly) {
    let mut entries = NAMED_ONLY.write().unwrap_or_else(PoisonError::into_inner);
    if !entries.contains(&entry) {
        if entries.len() >= MAX_NAMED_ONLY {
            entries.remove(0);
        }
        entries.push(entry);
    }
    ANY_NAMED_ONLY.store(true, Ordering::Relaxed);
}

fn needs_names(dir: BorrowedFd<'_>) -> bool {
    if !ANY_NAMED_ONLY.load(Ordering::Relaxed) {
        return false;
    }
    let Ok(stat) = sys::statx(dir) else {
        return false;
    };
    let entries = NAMED_ONLY.read().unwrap_or_else(PoisonError::into_inner);
    entries.iter().any(|entry| match *entry {
        NamedOnly::Mount(mount) => stat.mount == Some(mount),
        NamedOnly::Directory(dev, ino) => (stat.dev, stat.ino) == (dev, ino),
    })
}

/// Remembers a directory in which an unnamed file cannot be linked, after a test with an empty
/// file.
///
/// The file whose link failed proves nothing: `fs.protected_hardlinks` refuses a file that was
/// given to another owner, in every directory.
pub(super) fn probe_link(dir: BorrowedFd<'_>) {
    let Ok(probe) = sys::create_unnamed(dir, 0o600) else {
        return;
    };
    match with_random_name(SUFFIX, |name| sys::link_fd(probe.as_fd(), dir, name)) {
        Ok((name, ())) => {
            let _ = sys::unlink_at(dir, &name);
        }
        Err(os) if is_refused_link(os) => {
            if let Ok(stat) = sys::fstat(dir) {
                give_names(NamedOnly::Directory(stat.dev, stat.ino));
            }
        }
        Err(_) => {}
    }
}

/// Creates an unnamed file on a local file system. Returns `None` where that fails for any reason:
/// the named temporary that follows reports the error.
pub(super) fn create_unnamed(dir: BorrowedFd<'_>, mode: u32) -> Option<(OwnedFd, Stat)> {
    if !sys::link_fd_works() || needs_names(dir) {
        return None;
    }
    let fd = sys::create_unnamed(dir, mode).ok()?;
    let stat = sys::statx(fd.as_fd()).ok()?;
    // On a remote file system a close may fail, which must be known before publication.
    if locality::of_file(fd.as_fd(), &stat)? == Locality::Remote {
        if let Some(mount) = stat.mount {
            give_names(NamedOnly::Mount(mount));
        }
        return None;
    }
    Some((fd, stat))
}
