//! Resolves a path to a descriptor, under a symlink policy and optionally beneath a root.
//!
//! Two resolvers return the same results. The kernel's resolver takes the whole path in one call
//! (`openat2.rs`, `macos.rs`, `windows.rs`). [`walk`] opens one component after the other where the
//! kernel's cannot be used. A probe chooses between them once per process, never by the result for
//! a real path.

mod argument;
mod classify;
pub(crate) mod link_policy;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
mod openat2;
mod parent;
mod root;
mod scope;
mod walk;
#[cfg(windows)]
mod windows;

pub use argument::absolute;
pub(crate) use classify::{classify, leads_elsewhere};
pub(crate) use parent::{Naming, Parent, refuse_reserved};
pub use root::Root;
pub(crate) use scope::{Found, Last, Located};
pub use scope::{Policy, Resolver, Scope};

#[cfg(target_os = "macos")]
use macos as kernel;
#[cfg(target_os = "linux")]
use openat2 as kernel;
#[cfg(windows)]
use windows as kernel;

use crate::error::{Code, Error};
use crate::path;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, Stat};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// Age from which what a path led to is looked up again before a result relies on it. A younger look
/// costs no call; changes that others make within this time may be undone or missed.
pub(crate) const STALE_AFTER: Duration = Duration::from_millis(100);

impl Resolver {
    /// Returns the stronger of the two resolvers that work in this process.
    #[must_use]
    pub fn detect() -> Self {
        if kernel::works() {
            Self::Kernel
        } else {
            Self::Walk
        }
    }
}

impl Scope<'_> {
    /// Opens a located path, or a parent or child of one in the same form.
    ///
    /// Both resolvers return the kernel's errnos: ELOOP for a symlink that is not allowed, EXDEV
    /// for a path that leaves the root. [`classify`] maps them to codes.
    #[inline(always)]
    pub(crate) fn open(&self, text: &[u8], flags: OFlag, last: Last) -> Result<Found, Error> {
        let resolve = |flags| {
            if kernel::serves(self) {
                kernel::open(self, text, flags, last)
            } else {
                walk::open(self, text, flags, last)
            }
        };
        match resolve(flags) {
            Err(error) if error.errno() == Some(sys::EAGAIN) => {
                retry_after_eagain(error, flags, resolve)
            }
            result => result,
        }
    }

    /// Returns whether the kernel confines paths to the root.
    #[must_use]
    #[inline]
    pub fn is_contained_by_kernel(&self) -> bool {
        self.root.is_some() && kernel::serves(self)
    }

    /// Returns the stat of a path without opening the file.
    pub(crate) fn stat(&self, text: &[u8], last: Last) -> Result<Stat, Error> {
        Ok(self.inspect(text, last)?.0)
    }

    /// Returns the stat of a path without opening the file, and a directory of that stat to search
    /// where the system opens both alike: one look at a path that keeps changing.
    pub(crate) fn inspect(&self, text: &[u8], last: Last) -> Result<(Stat, Option<Found>), Error> {
        let Some(flags) = sys::PATH_ONLY else {
            let stat = walk::stat(self, text, last).map_err(|error| match error {
                Error::System { os, .. } if os.errno == sys::EAGAIN => {
                    Error::refused_by(Code::PathMismatch, "retries", os)
                }
                other => other,
            })?;
            return Ok((stat, None));
        };
        let found = self.open(text, flags, last)?;
        let stat = sys::statx(found.fd.as_fd())?;
        let is_searchable = stat.is_directory() && sys::SEARCH_ONLY.contains(flags);
        Ok((stat, is_searchable.then_some(found)))
    }

    /// Returns the real path of an opened object; `None` where it equals the path as given, or the
    /// root's real path plus that path.
    #[inline(always)]
    pub(crate) fn other_path(&self, located: &Located<'_>, found: &Found) -> Option<Vec<u8>> {
        let is_as_given = found.is_exact && located.is_plain;
        (!is_as_given).then(|| self.real_path(&located.text, found))
    }

    /// Returns the real path of an opened object, for results only. It is never used to open the
    /// object again.
    pub(crate) fn real_path(&self, text: &[u8], found: &Found) -> Vec<u8> {
        self.real_path_of(text, found.fd.as_fd(), found.is_exact)
    }

    /// Returns the real path of an opened object, as [`Self::real_path`].
    fn real_path_of(&self, text: &[u8], fd: BorrowedFd<'_>, is_exact: bool) -> Vec<u8> {
        let absolute = match self.root {
            Some(root) => path::join(root.real(), text),
            None => Cow::Borrowed(text),
        };
        let by_text = || path::normalize(&absolute);
        if is_exact {
            return by_text();
        }
        let Ok(real) = sys::fd_path(fd) else {
            return sys::resolved_path(fd, &absolute).unwrap_or_else(by_text);
        };
        if !real.starts_with(b"/") {
            // Not reachable from this process's root directory.
            return by_text();
        }
        let real = without_deleted(real, fd);
        self.as_in_opened_root(real).unwrap_or_else(by_text)
    }

    /// Returns a real path with the root's path as it was when the root was opened: the root may
    /// have been renamed or unmounted since, and then its path now, or a path that begins at the
    /// root of a detached mount, names another object. `None` where neither path of the root leads
    /// to it.
    fn as_in_opened_root(&self, real: Vec<u8>) -> Option<Vec<u8>> {
        let Some(root) = self.root.filter(|_| cfg!(unix)) else {
            return Some(real);
        };
        if path::beneath(&real, root.real()).is_some() {
            return Some(real);
        }
        let now = sys::fd_path(root.directory().as_fd()).ok()?;
        let below = path::beneath(&real, &now)?;
        Some(match below {
            b"" => root.real().to_vec(),
            below => path::join(root.real(), below).into_owned(),
        })
    }
}

/// Removes the suffix that the kernel appends to the path of an object whose name was removed. A
/// file that has another name has the suffix too; a name may also end like it.
#[cfg(target_os = "linux")]
fn without_deleted(mut real: Vec<u8>, fd: BorrowedFd<'_>) -> Vec<u8> {
    const DELETED: &[u8] = b" (deleted)";
    if real.ends_with(DELETED) && is_name_gone(fd, &real) {
        real.truncate(real.len() - DELETED.len());
    }
    real
}

/// Returns whether the object has no name, or not this one. A path that cannot be searched counts
/// as its name.
#[cfg(target_os = "linux")]
fn is_name_gone(fd: BorrowedFd<'_>, path: &[u8]) -> bool {
    sys::fstat(fd).is_ok_and(|stat| {
        stat.nlink == 0
            || match sys::lstat_absolute(path) {
                Ok(named) => !named.is_same_object(&stat),
                Err(os) => matches!(os.errno, sys::ENOENT | sys::ENOTDIR),
            }
    })
}

/// Returns the path: other systems append nothing to it.
#[cfg(not(target_os = "linux"))]
fn without_deleted(real: Vec<u8>, _: BorrowedFd<'_>) -> Vec<u8> {
    real
}

/// Distinguishes the two meanings of EAGAIN: the path changed during every try, or a process holds
/// a lease on the file, which a non-blocking open has started to break.
///
/// `O_PATH` breaks no lease, so its result concerns the path alone. A lease is waited for, for a
/// bounded time, as an open without `O_NONBLOCK` would.
fn retry_after_eagain(
    error: Error,
    flags: OFlag,
    resolve: impl Fn(OFlag) -> Result<Found, Error>,
) -> Result<Found, Error> {
    /// Lease holders react within milliseconds. The kernel itself breaks a lease after
    /// /proc/sys/fs/lease-break-time, which is 45 s.
    const PATIENCE: Duration = Duration::from_secs(5);
    const NAP: Duration = Duration::from_millis(5);

    let Error::System { os, .. } = error else {
        return Err(error);
    };
    let Some(path_only) = sys::PATH_ONLY else {
        // There are no leases on this system: EAGAIN means a symlink that changed during every try.
        return Err(Error::refused_by(Code::PathMismatch, "retries", os));
    };
    let path_only_flags = path_only | (flags & (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW));
    let is_unstable = flags.contains(path_only)
        || resolve(path_only_flags).is_err_and(|probe| probe.errno() == Some(sys::EAGAIN));
    if is_unstable {
        return Err(Error::refused_by(Code::PathMismatch, "retries", os));
    }
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        std::thread::sleep(NAP);
        match resolve(flags) {
            Err(error) if error.errno() == Some(sys::EAGAIN) => {}
            result => return result,
        }
    }
    Err(os.into())
}
