//! Finds the file that a write will replace, through the kernel's caches.

use crate::metadata::locality;
use crate::nonblocking::target_key::{Base, LastName};
use crate::ops::write::TargetKey;
use crate::path;
use crate::resolve::link_policy::MAX_LINKS;
use crate::resolve::{Policy, Resolver};
use crate::sys::{
    self, AsFd, BorrowedFd, Locality, OFlag, OwnedFd, RESOLVE_BENEATH, RESOLVE_CACHED,
    RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, Stat,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::borrow::Cow;
use std::sync::Arc;

/// Returns the target's key; `None` where the caches do not have it.
pub(crate) fn find_target_key(
    base: Base<'_>,
    policy: Policy,
    raw: &[u8],
    last: LastName,
) -> Option<TargetKey> {
    // Without `statx`, the fallback could block on the file system.
    if Resolver::detect() != Resolver::Kernel || !sys::statx_works() {
        return None;
    }
    let start = Start::new(base);
    let mut text = located(base, policy, raw)?;
    let mut is_followed = false;
    for _ in 0..MAX_LINKS {
        let (parent, name) = path::split(path::bare(&text).0)?;
        let dir = start.open(parent)?;
        let target = if last.follows {
            link_target(dir.as_fd(), name)?
        } else {
            None
        };
        let Some(target) = target else {
            let stat = sys::statx_dont_sync(dir.as_fd()).ok()?;
            let file = if last.wants_file {
                file_in_memory(dir.as_fd(), name)?
            } else {
                None
            };
            dir.close_quietly();
            return Some(TargetKey::Known {
                dev: stat.dev,
                ino: stat.ino,
                name: is_followed.then(|| name.to_vec()),
                file,
            });
        };
        let next = match parent {
            b"" => target,
            _ => path::join(parent, &target).into_owned(),
        };
        text = Cow::Owned(next);
        is_followed = true;
    }
    None
}

/// Returns the path in the form that the kernel resolves.
fn located<'p>(base: Base<'_>, policy: Policy, raw: &'p [u8]) -> Option<Cow<'p, [u8]>> {
    match base {
        Base::Pinned(root) if raw.starts_with(b"/") => match root.strip(raw) {
            Some(below) => by_policy(policy, below),
            None => {
                let whole = path::normalize(raw);
                root.strip(&whole).map(|below| Cow::Owned(below.to_vec()))
            }
        },
        Base::Path(root) if !raw.starts_with(b"/") => {
            let below = by_policy(policy, raw)?;
            Some(Cow::Owned(path::join(root, &below).into_owned()))
        }
        Base::None | Base::Pinned(_) | Base::Path(_) => by_policy(policy, raw),
    }
}

/// Returns the path, with `.` and `..` resolved by text where the policy demands that.
fn by_policy(policy: Policy, path: &[u8]) -> Option<Cow<'_, [u8]>> {
    if policy != Policy::Reject || path::is_normal(path) || path::is_normal_beneath(path) {
        Some(Cow::Borrowed(path))
    } else if path.starts_with(b"/") {
        Some(Cow::Owned(path::normalize(path)))
    } else {
        path::normalize_beneath(path).map(Cow::Owned)
    }
}

/// Where relative paths start.
enum Start {
    WorkingDirectory,
    Root(Arc<OwnedFd>),
}

/// The directory that contains the name.
enum Directory<'a> {
    Start(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl Directory<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Start(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }

    fn close_quietly(self) {
        if let Self::Opened(fd) = self {
            sys::close_quietly(fd);
        }
    }
}

impl Start {
    fn new(base: Base<'_>) -> Self {
        match base {
            Base::Pinned(root) => Self::Root(root.directory()),
            Base::None | Base::Path(_) => Self::WorkingDirectory,
        }
    }

    fn open(&self, parent: &[u8]) -> Option<Directory<'_>> {
        let (start, beneath) = match self {
            Self::Root(root) if matches!(parent, b"" | b".") => {
                return Some(Directory::Start(root.as_fd()));
            }
            Self::Root(root) => (root.as_fd(), RESOLVE_BENEATH),
            Self::WorkingDirectory => (AT_FDCWD, ResolveFlag::empty()),
        };
        let parent = if parent.is_empty() { b"." } else { parent };
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let resolve = beneath | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED;
        sys::open_at2(start, parent, flags, resolve)
            .ok()
            .map(Directory::Opened)
    }
}

/// Returns device and inode of the file under a name; `Some(None)` when there is none.
fn file_in_memory(dir: BorrowedFd<'_>, name: &[u8]) -> Option<Option<(u64, u64)>> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    let fd = match sys::open_at2(dir, name, flags, RESOLVE_CACHED) {
        Ok(fd) => fd,
        Err(os) if os.errno == sys::ENOENT => return Some(None),
        Err(_) => return None,
    };
    let stat = sys::statx_dont_sync(fd.as_fd()).ok()?;
    sys::close_quietly(fd);
    Some(Some((stat.dev, stat.ino)))
}

/// Returns the target of the symlink under a name; `Some(None)` when the name is no symlink.
fn link_target(dir: BorrowedFd<'_>, name: &[u8]) -> Option<Option<Vec<u8>>> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    let resolve = RESOLVE_NO_SYMLINKS | RESOLVE_CACHED;
    let fd = match sys::open_at2(dir, name, flags, resolve) {
        Ok(fd) => fd,
        Err(os) if os.errno == sys::ENOENT => return Some(None),
        Err(_) => return None,
    };
    let stat = sys::statx_dont_sync(fd.as_fd()).ok()?;
    if !stat.is_symlink() {
        return Some(None);
    }
    if !is_read_without_waiting(&stat) {
        return None;
    }
    sys::read_link_at(fd.as_fd(), b"").ok().map(Some)
}

/// Returns whether the target of a symlink can be read without blocking: always on tmpfs, and on a
/// local disk when it is stored in the inode.
fn is_read_without_waiting(link: &Stat) -> bool {
    match link.mount.and_then(locality::cached) {
        Some(Locality::Memory) => true,
        Some(Locality::LocalDisk) => link.blocks == 0,
        Some(Locality::Remote) | None => false,
    }
}
