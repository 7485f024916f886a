//! A pinned directory: opened once, and used by every call however its name changes later.

use super::argument::{from_caller, working_directory};
use super::classify::classify;
use crate::error::{Code, Error};
use crate::path;
use crate::sys::{self, AsFd, OFlag, OwnedFd, Stat, Time};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The number of the next root.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A directory that calls are confined to. It is closed when its last user drops it.
#[derive(Debug)]
pub struct Root {
    number: u64,
    dir: RwLock<Arc<OwnedFd>>,
    /// A sync of the descriptor failed, and no replacement could be opened.
    is_spent: AtomicBool,
    /// The absolute path as the caller gave it.
    given: Vec<u8>,
    /// The path without symlinks, as of the open.
    real: Vec<u8>,
    /// The unique id of its mount; 0 while it is unknown.
    mount: AtomicU64,
    /// Device and inode, by `fstat` of the descriptor.
    identity: (u64, u64),
    /// Time of birth.
    born: Time,
}

impl Root {
    /// Opens the directory that a path leads to now. Symlinks are followed.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidPath`], [`Code::NotFound`], [`Code::NotDirectory`]; [`Code::DevicePath`] for a
    /// directory that a magic link leads to and no path of this process does; otherwise what the
    /// system returned.
    pub fn open(raw: &[u8]) -> Result<Self, Error> {
        let path = from_caller(raw)?;
        let given = if path.starts_with(b"/") {
            path.into_owned()
        } else {
            path::join(&working_directory()?, &path).into_owned()
        };
        let dir = open_directory(&given).map_err(|os| match os.errno {
            sys::ENOTDIR => Error::refused_by(Code::NotDirectory, "root", os),
            sys::ENOENT => Error::refused_by(Code::NotFound, "root", os),
            _ => classify(os.into()),
        })?;
        let stat = sys::statx(dir.as_fd())?;
        let real_path = || {
            sys::fd_path(dir.as_fd())
                .ok()
                .or_else(|| sys::resolved_path(dir.as_fd(), &given))
                .unwrap_or_else(|| path::normalize(&given))
        };
        let mut real = real_path();
        if real != given && !leads_to(&real, &stat) {
            // The directory may have been renamed in between.
            real = real_path();
            if !leads_to(&real, &stat) {
                return Err(Error::refused(Code::DevicePath, "namespace"));
            }
        }
        Ok(Self::from_fd(dir, &stat, given, real))
    }

    /// Wraps an open directory, with its stat, its path as given and its real path.
    pub(crate) fn from_fd(dir: OwnedFd, stat: &Stat, given: Vec<u8>, real: Vec<u8>) -> Self {
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            mount: AtomicU64::new(stat.mount.unwrap_or(0)),
            identity: (stat.dev, stat.ino),
            born: stat.born,
            dir: RwLock::new(Arc::new(dir)),
            is_spent: AtomicBool::new(false),
            given,
            real,
        }
    }

    /// Returns a number that no other root of this process ever has. It is not 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns device and inode of the directory.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Returns the time of birth of the directory, in seconds and nanoseconds; 0 where the file system
    /// has none. Of two directories with the same inode number, one was removed before the other was
    /// born.
    #[must_use]
    pub fn born(&self) -> (i64, u32) {
        // Without `statx`, the time is that of the last change.
        if cfg!(not(target_os = "linux")) || sys::statx_works() {
            (self.born.seconds, self.born.nanoseconds)
        } else {
            (0, 0)
        }
    }

    /// Returns whether a stat without links is that of the directory, and the directory was removed.
    #[cold]
    pub(crate) fn is_removed(&self, stat: &Stat) -> bool {
        self.identity == (stat.dev, stat.ino) && sys::is_removed_directory(self.directory().as_fd())
    }

    /// Returns whether the directory was removed.
    #[cold]
    pub(crate) fn is_gone(&self) -> bool {
        let directory = self.directory();
        sys::fstat(directory.as_fd()).is_ok_and(|stat| stat.nlink == 0)
            && sys::is_removed_directory(directory.as_fd())
    }

    /// Returns the absolute path as the caller gave it.
    pub(crate) fn given(&self) -> &[u8] {
        &self.given
    }

    /// Returns the real path of the directory as of the open.
    #[must_use]
    pub fn real(&self) -> &[u8] {
        &self.real
    }

    /// Returns the unique id of its mount, where the system has one. If the first `statx` failed,
    /// the call repeats it. It never blocks on a file system.
    #[cfg(target_os = "linux")]
    pub(crate) fn mount(&self) -> Option<u64> {
        let known = self.mount.load(Ordering::Relaxed);
        if known != 0 {
            return Some(known);
        }
        let mount = sys::statx_dont_sync(self.directory().as_fd()).ok()?.mount?;
        self.mount.store(mount, Ordering::Relaxed);
        Some(mount)
    }

    /// Returns the descriptor, for the length of one call.
    pub(crate) fn directory(&self) -> Arc<OwnedFd> {
        if self.is_spent.load(Ordering::Relaxed) {
            self.renew();
        }
        Arc::clone(&self.dir.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reopens the directory after a failed sync. The kernel reports a write-back error once per
    /// open file description, so a later sync of the old one would return success. If the reopen
    /// fails, the next call tries again.
    pub(crate) fn renew(&self) {
        let mut dir = self.dir.write().unwrap_or_else(PoisonError::into_inner);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let opened = sys::open_at(dir.as_fd(), b".", flags);
        self.is_spent.store(opened.is_err(), Ordering::Relaxed);
        if let Ok(new) = opened {
            *dir = Arc::new(new);
        }
    }

    /// Returns the part of an absolute path below this root, by the root's given or real path.
    pub(crate) fn strip<'a>(&self, absolute: &'a [u8]) -> Option<&'a [u8]> {
        path::beneath(absolute, &self.given).or_else(|| path::beneath(absolute, &self.real))
    }
}

/// Returns whether a real path leads to the directory with this stat. A magic link
/// (`/proc/PID/root`) leads into other mount namespaces and out of a changed root directory: the
/// kernel's path of the directory then names another object here, or none. A directory that was
/// removed, and a path that cannot be searched, count as found.
fn leads_to(real: &[u8], held: &Stat) -> bool {
    if cfg!(not(target_os = "linux")) || held.nlink == 0 {
        return true;
    }
    match sys::lstat_absolute(real) {
        Ok(there) => there.is_same_object(held),
        Err(os) => !matches!(os.errno, sys::ENOENT | sys::ENOTDIR),
    }
}

/// Opens a directory for reading, so that it can be synced; with `O_PATH` where reading is denied.
fn open_directory(path: &[u8]) -> Result<OwnedFd, crate::error::Os> {
    match sys::open_absolute(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
        Err(os) if os.errno == sys::DENIED => sys::open_absolute(path, sys::SEARCH_ONLY),
        result => result,
    }
}
