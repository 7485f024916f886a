//! Opens files through the kernel's caches, on mounts that are known to be local.

use crate::error::Os;
use crate::metadata::locality;
use crate::nonblocking::cached::Cached;
use crate::path;
use crate::resolve::{Last, Located, Policy, Resolver, Scope};
use crate::sys::{
    self, Locality, OFlag, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{PoisonError, RwLock};

/// The mount of `/`, once it is known.
pub(super) static TOP: RwLock<Option<(u64, Locality)>> = RwLock::new(None);

/// Determines and caches the locality of `/` and of the mounts that a path leads to. May block.
///
/// A mount whose locality cannot be determined is never used from the caches.
pub fn probe_locality(scope: &Scope<'_>, raw: &[u8]) {
    if let Some(root) = scope.root {
        locality::probe(root.directory().as_fd());
        return;
    }
    if let Ok(top) = sys::open_at(AT_FDCWD, b"/", OFlag::O_PATH | OFlag::O_DIRECTORY) {
        let probed = locality::probe(top.as_fd());
        *TOP.write().unwrap_or_else(PoisonError::into_inner) = probed;
    }
    let Ok(located) = scope.locate(raw) else {
        return;
    };
    // The object itself, and its parent, or the part that exists of a path whose parent is missing.
    let mut text = &*located.text;
    let mut is_parent = false;
    loop {
        let found = scope.open(text, OFlag::O_PATH, Last::Keep);
        if let Ok(found) = &found {
            locality::probe(found.fd.as_fd());
        }
        if is_parent && found.is_ok() {
            return;
        }
        text = match path::split(text) {
            Some((b"", _)) => b".",
            Some((parent, _)) => parent,
            None => return,
        };
        is_parent = true;
    }
}

/// A directory on a mount known to be local, to open files from without leaving that mount.
struct Start<'a> {
    dir: BorrowedFd<'a>,
    /// Nothing above the directory may be reached.
    is_root: bool,
    locality: Locality,
}

/// The directory that the last file of a batch was opened from, open for the next file of the batch:
/// one open and one look at its mount for all of them.
#[derive(Debug, Default)]
pub struct HeldParent {
    path: Vec<u8>,
    dir: Option<(OwnedFd, Locality)>,
}

impl HeldParent {
    fn find(&self, path: &[u8]) -> Option<Start<'_>> {
        let (dir, locality) = self.dir.as_ref().filter(|_| self.path == path)?;
        Some(Start {
            dir: dir.as_fd(),
            is_root: false,
            locality: *locality,
        })
    }

    fn hold(&mut self, path: &[u8], dir: OwnedFd, locality: Locality) {
        self.path.clear();
        self.path.extend_from_slice(path);
        self.dir = Some((dir, locality));
    }
}

/// A file that was opened through the caches.
pub(super) struct Opened {
    pub(super) fd: OwnedFd,
    pub(super) locality: Locality,
    /// Its directory was opened first, which a [`HeldParent`] saves for the next file.
    pub(super) by_parent: bool,
}

/// Why the caches have no result.
pub(super) struct NotCached {
    pub(super) probe_locality: bool,
}

pub(super) const NOT_IN_MEMORY: NotCached = NotCached {
    probe_locality: false,
};

impl<T> From<NotCached> for Cached<T> {
    fn from(not_cached: NotCached) -> Self {
        Self::NotCached(not_cached.probe_locality)
    }
}

/// Checks a path as the ordinary verb would, and leaves to the verb a path that the check refuses
/// or that can only name a directory.
pub(super) fn locate<'p>(scope: &Scope<'_>, raw: &'p [u8]) -> Result<Located<'p>, NotCached> {
    match locate_any(scope, raw) {
        Ok(located) if !located.names_directory => Ok(located),
        _ => Err(NOT_IN_MEMORY),
    }
}

/// Checks a path as the ordinary verb would. A path that the check refuses is left to the verb.
pub(super) fn locate_any<'p>(scope: &Scope<'_>, raw: &'p [u8]) -> Result<Located<'p>, NotCached> {
    if scope.resolver != Resolver::Kernel || scope.policy == Policy::FollowTrusted {
        return Err(NOT_IN_MEMORY);
    }
    scope.locate(raw).map_err(|_| NOT_IN_MEMORY)
}

/// Returns the locality of a mount, if files on it may be opened on this thread.
pub(super) fn local(mount: Option<u64>) -> Result<Locality, NotCached> {
    let mount = mount.ok_or(NOT_IN_MEMORY)?;
    match locality::cached(mount) {
        None => Err(NotCached {
            probe_locality: true,
        }),
        Some(Locality::Remote) => Err(NOT_IN_MEMORY),
        Some(locality) => Ok(locality),
    }
}

/// Opens a directory with `O_PATH`, which calls no file system, and looks up its mount.
fn open_parent(parent: &[u8]) -> Result<(OwnedFd, Locality), NotCached> {
    let dir = open_in_memory(
        AT_FDCWD,
        parent,
        OFlag::O_PATH | OFlag::O_DIRECTORY,
        ResolveFlag::empty(),
    )
    .map_err(|_| NOT_IN_MEMORY)?;
    let stat = sys::statx_dont_sync(dir.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    Ok((dir, local(stat.mount)?))
}

pub(super) fn open_in_memory(
    dir: BorrowedFd<'_>,
    text: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, Os> {
    sys::open_at2(
        dir,
        text,
        flags,
        resolve | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED,
    )
}

/// Opens a file from a start on a local mount, without leaving that mount.
fn open_from(start: &Start<'_>, text: &[u8]) -> Result<OwnedFd, Os> {
    let beneath = if start.is_root {
        RESOLVE_BENEATH
    } else {
        ResolveFlag::empty()
    };
    open_in_memory(
        start.dir,
        text,
        OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW,
        beneath | RESOLVE_NO_XDEV,
    )
}

/// Opens a cached file on a local mount.
pub(super) fn open(
    scope: &Scope<'_>,
    text: &[u8],
    held: Option<&mut HeldParent>,
) -> Result<Opened, NotCached> {
    let opened = |start: &Start<'_>, text: &[u8], by_parent| {
        open_from(start, text).map(|fd| Opened {
            fd,
            locality: start.locality,
            by_parent,
        })
    };
    if let Some(root) = scope.root {
        let dir = root.directory();
        let start = Start {
            dir: dir.as_fd(),
            is_root: true,
            locality: local(root.mount())?,
        };
        return opened(&start, text, false).map_err(|_| NOT_IN_MEMORY);
    }
    let (parent, name) = path::split(text).unwrap_or((b"", text));
    if let Some(start) = held.as_ref().and_then(|held| held.find(parent)) {
        return opened(&start, name, true).map_err(|_| NOT_IN_MEMORY);
    }
    let top = *TOP.read().unwrap_or_else(PoisonError::into_inner);
    let Some((_, locality)) = top else {
        return Err(NotCached {
            probe_locality: true,
        });
    };
    if locality != Locality::Remote && !is_on_another_mount(parent) {
        let start = Start {
            dir: AT_FDCWD,
            is_root: false,
            locality,
        };
        match opened(&start, text, false) {
            Ok(opened) => return Ok(opened),
            // Another mount than that of `/`: crossing into it is EXDEV, or EAGAIN with
            // RESOLVE_CACHED.
            Err(os) if matches!(os.errno, sys::EXDEV | sys::EAGAIN) => {}
            Err(_) => return Err(NOT_IN_MEMORY),
        }
    }
    if parent.is_empty() {
        return Err(NOT_IN_MEMORY);
    }
    let (dir, locality) = open_parent(parent)?;
    let start = Start {
        dir: dir.as_fd(),
        is_root: false,
        locality,
    };
    let opened = opened(&start, name, true).map_err(|_| NOT_IN_MEMORY)?;
    OTHER_MOUNT.with_borrow_mut(|last| {
        last.clear();
        last.extend_from_slice(parent);
    });
    if let Some(held) = held {
        held.hold(parent, dir, locality);
    }
    Ok(opened)
}

thread_local! {
    /// The last directory found on another mount than `/`, so that its files are not tried on the
    /// mount of `/` first. A wrong hint costs one call.
    static OTHER_MOUNT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn is_on_another_mount(parent: &[u8]) -> bool {
    OTHER_MOUNT.with_borrow(|last| last == parent && !parent.is_empty())
}
