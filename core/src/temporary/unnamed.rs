//! Where temporaries have no name, and where they need one.

use super::name::{SUFFIX, with_random_name};
use crate::error::Os;
use crate::metadata::mounts;
use crate::sys::{self, AsFd, BorrowedFd, Locality, OwnedFd, Stat};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Where temporaries have names from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedOnly {
    /// On a mount whose file system may report lost content at `close`.
    Mount(u64),
    /// In a directory, by device and inode, in which an unnamed file of our own got no name.
    Directory(u64, u64),
}

static NAMED_ONLY: RwLock<Vec<NamedOnly>> = RwLock::new(Vec::new());
/// Whether [`NAMED_ONLY`] has an entry. Without one no call is made to look for it.
static ANY_NAMED_ONLY: AtomicBool = AtomicBool::new(false);
const MOST_NAMED_ONLY: usize = 128;

fn give_names(place: NamedOnly) {
    let mut places = NAMED_ONLY.write().unwrap_or_else(PoisonError::into_inner);
    if !places.contains(&place) {
        if places.len() >= MOST_NAMED_ONLY {
            places.remove(0);
        }
        places.push(place);
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
    let places = NAMED_ONLY.read().unwrap_or_else(PoisonError::into_inner);
    places.iter().any(|place| match *place {
        NamedOnly::Mount(mount) => stat.mount == Some(mount),
        NamedOnly::Directory(dev, ino) => (stat.dev, stat.ino) == (dev, ino),
    })
}

/// Remembers a directory in which no unnamed file gets a name: an empty file of our own is refused
/// one, too.
///
/// The file that was refused one proves nothing: `fs.protected_hardlinks` refuses a file that was
/// given to another owner, in every directory.
pub(super) fn learn_refusal(dir: BorrowedFd<'_>) {
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

/// A file without a name, on a file system of this machine's own; `None` where there is no such
/// thing, or no way to it, whatever the reason: a named one then has the answer.
pub(super) fn create_unnamed(dir: BorrowedFd<'_>, mode: u32) -> Option<(OwnedFd, Stat)> {
    if !sys::link_fd_works() || needs_names(dir) {
        return None;
    }
    let fd = sys::create_unnamed(dir, mode).ok()?;
    let stat = sys::statx(fd.as_fd()).ok()?;
    // Elsewhere a close may fail, which has to be known before the file is published.
    if mounts::locality_of(fd.as_fd(), &stat)? == Locality::Remote {
        if let Some(mount) = stat.mount {
            give_names(NamedOnly::Mount(mount));
        }
        return None;
    }
    Some((fd, stat))
}

/// Whether a file without a name was refused one although nothing is in its way: by a security
/// module, a filter, or a file system. With a name from the start it can be published.
pub(crate) fn is_refused_link(os: Os) -> bool {
    os.syscall == "link"
        && matches!(
            os.errno,
            sys::EPERM | sys::EACCES | sys::ENOSYS | sys::ENOTSUP | sys::EXDEV | sys::EINVAL
        )
}
