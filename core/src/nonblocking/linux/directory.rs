//! Opens directories and stats objects from the kernel's caches alone.

use super::open::{NOT_IN_MEMORY, NotCached, TOP, local, locate, locate_any, open_in_memory};
use crate::error::{Error, Os};
use crate::make_dirs::{Made, make_in_one_round};
use crate::metadata::{self, SHARED_BITS};
use crate::nonblocking::cached::Cached;
use crate::ops::ensure_dir::{Ensured, Hardening, OpenDirectory, Rules as EnsureRules};
use crate::ops::stat::classify_stat;
use crate::path;
use crate::resolve::{Found, Policy, Resolver, Root, STALE_AFTER, Scope};
use crate::sys::{
    self, BorrowedFd, Locality, OFlag, OwnedFd, RESOLVE_BENEATH, RESOLVE_NO_XDEV, Stat,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::cell::RefCell;
use std::os::fd::AsFd;
use std::sync::PoisonError;
use std::time::Instant;

/// Returns an existing directory that grants nothing beyond the mode, or creates one in memory.
///
/// `first_created` is set when a directory was created, also where the ordinary verb has to do the
/// rest.
#[must_use]
pub fn ensure_dir(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &EnsureRules,
    first_created: &mut Option<Vec<u8>>,
) -> Cached<Ensured> {
    match try_ensure_dir(scope, raw, rules, first_created) {
        Ok(ensured) => Cached::Known(ensured),
        Err(not_cached) => not_cached.into(),
    }
}

fn try_ensure_dir(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &EnsureRules,
    first_created: &mut Option<Vec<u8>>,
) -> Result<Ensured, NotCached> {
    let located = locate(scope, raw)?;
    let root = scope.root.map(|root| root.directory());
    let start = DirectoryStart {
        fd: root.as_ref().map_or(AT_FDCWD, |root| root.as_fd()),
        beneath: if root.is_some() {
            RESOLVE_BENEATH
        } else {
            ResolveFlag::empty()
        },
    };
    let fd = match start.open(&located.text, OFlag::O_NOFOLLOW) {
        Ok(fd) => fd,
        Err(os) if is_missing(os) => {
            let made = make_in_memory(&start, scope, &located.text, rules.mode, first_created)?;
            return OpenDirectory::new(scope, located, made)
                .and_then(|directory| directory.harden(rules))
                .map_err(|_| NOT_IN_MEMORY);
        }
        Err(_) => return Err(NOT_IN_MEMORY),
    };
    let stat = sys::statx_dont_sync(fd.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    // The caches of a local file system are current.
    local(stat.mount)?;
    // A removed root is refused by the ordinary verb.
    if stat.nlink == 0
        || stat.mode & 0o777 & !rules.mode != 0
        || !metadata::is_own_or_root(stat.uid)
    {
        return Err(NOT_IN_MEMORY);
    }
    let found = Found { fd, is_exact: true };
    let real = scope.other_path(&located, &found);
    sys::close_quietly(found.fd);
    Ok(Ensured {
        real,
        first_created: None,
        mode: stat.permissions(),
        is_private: stat.mode & SHARED_BITS == 0,
        hardening: Hardening::NotNeeded,
        reason: None,
    })
}

/// Where the path of a directory starts.
struct DirectoryStart<'a> {
    fd: BorrowedFd<'a>,
    beneath: ResolveFlag,
}

impl DirectoryStart<'_> {
    fn open(&self, text: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | flags;
        open_in_memory(self.fd, text, flags, self.beneath)
    }
}

/// Returns whether a name may be missing: tmpfs keeps no dentry for a missing name, and the kernel
/// would have to ask the file system.
fn is_missing(os: Os) -> bool {
    matches!(os.errno, sys::ENOENT | sys::EAGAIN)
}

/// Creates the missing directories of a path on a mount in memory, where `mkdir` waits for nothing.
/// Each is opened without leaving that mount.
fn make_in_memory(
    start: &DirectoryStart<'_>,
    scope: &Scope<'_>,
    text: &[u8],
    mode: u32,
    first_created: &mut Option<Vec<u8>>,
) -> Result<Made, NotCached> {
    let open_new = |parent: BorrowedFd<'_>, name: &[u8]| {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        open_in_memory(parent, name, flags, RESOLVE_NO_XDEV)
    };
    match scope.root {
        Some(root) if local(root.mount())? != Locality::Memory => return Err(NOT_IN_MEMORY),
        None if is_on_disk(text) => return Err(NOT_IN_MEMORY),
        _ => {}
    }
    let began = Instant::now();
    let mut ends = Vec::new();
    let mut rest = text;
    loop {
        let (parent, _) = path::split(rest).ok_or(NOT_IN_MEMORY)?;
        ends.push(rest.len());
        rest = if parent.is_empty() { b"." } else { parent };
        match start.open(rest, OFlag::empty()) {
            Ok(top) => {
                let stat = sys::statx_dont_sync(top.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
                if local(stat.mount)? != Locality::Memory {
                    if scope.root.is_none() {
                        ON_DISK.with_borrow_mut(|last| rest.clone_into(last));
                    }
                    return Err(NOT_IN_MEMORY);
                }
                ends.reverse();
                let made =
                    make_in_one_round(scope, top, (text, &ends), mode, open_new, first_created)
                        .ok_or(NOT_IN_MEMORY)?;
                let is_there = || -> Result<bool, Os> {
                    let there = sys::fstat(start.open(text, OFlag::O_NOFOLLOW)?.as_fd())?;
                    Ok(there.is_same_object(&sys::fstat(made.found.fd.as_fd())?))
                };
                if began.elapsed() >= STALE_AFTER && !is_there().unwrap_or(false) {
                    return Err(NOT_IN_MEMORY);
                }
                return Ok(made);
            }
            Err(os) if is_missing(os) && ends.len() < MAX_NEW => {}
            Err(_) => return Err(NOT_IN_MEMORY),
        }
    }
}

thread_local! {
    /// The last parent of a missing directory that was not on a file system in memory, so that its other
    /// missing directories are left to the ordinary verb without a look. A wrong hint costs that alone.
    static ON_DISK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn is_on_disk(text: &[u8]) -> bool {
    let parent = path::split(text).map_or(&b""[..], |(parent, _)| parent);
    ON_DISK.with_borrow(|last| last == parent && !parent.is_empty())
}

/// The most directories that one call creates on a thread that must not wait.
const MAX_NEW: usize = 8;

/// Returns the stat of a path, or that it does not exist. A symlink on the way needs the ordinary
/// verb, and so does one at the end unless `is_lstat`.
#[must_use]
pub fn stat(scope: &Scope<'_>, raw: &[u8], is_lstat: bool) -> Cached<Result<Stat, Error>> {
    try_stat(scope, raw, is_lstat).map_or_else(Cached::from, Cached::Known)
}

fn try_stat(
    scope: &Scope<'_>,
    raw: &[u8],
    is_lstat: bool,
) -> Result<Result<Stat, Error>, NotCached> {
    let (flags, syscall) = if is_lstat {
        (OFlag::O_PATH | OFlag::O_NOFOLLOW, "lstat")
    } else {
        (OFlag::O_PATH, "stat")
    };
    let located = locate_any(scope, raw)?;
    let root = scope.root.map(|root| root.directory());
    let beneath = if root.is_some() {
        RESOLVE_BENEATH
    } else {
        ResolveFlag::empty()
    };
    let start = root.as_ref().map_or(AT_FDCWD, |root| root.as_fd());
    // O_PATH calls no file system. Without O_NOFOLLOW, a final symlink is ELOOP.
    let fd = match open_in_memory(start, &located.text, flags, beneath) {
        Ok(fd) => fd,
        // A valid negative dentry: the ordinary lookup uses the same one.
        Err(os) if os.errno == sys::ENOENT => return Ok(Err(classify_stat(syscall, os.into()))),
        Err(_) => return Err(NOT_IN_MEMORY),
    };
    let stat = sys::statx_dont_sync(fd.as_fd());
    sys::close_quietly(fd);
    let stat = stat.map_err(|_| NOT_IN_MEMORY)?;
    // Cached attributes of a local file system are current.
    local(stat.mount)?;
    let is_directory = stat.is_directory();
    if (is_directory && stat.nlink == 0) || (located.names_directory && !is_directory) {
        return Err(NOT_IN_MEMORY);
    }
    Ok(Ok(stat))
}

/// Opens a directory as a root. Only an absolute path without a symlink, `.` or `..` qualifies.
#[must_use]
pub fn open_root(raw: &[u8]) -> Cached<Root> {
    try_open_root(raw).map_or_else(Cached::from, Cached::Known)
}

fn try_open_root(raw: &[u8]) -> Result<Root, NotCached> {
    if Resolver::detect() != Resolver::Kernel || !path::is_normal(raw) {
        return Err(NOT_IN_MEMORY);
    }
    let scope = Scope {
        root: None,
        policy: Policy::Reject,
        resolver: Resolver::Kernel,
    };
    let text = &*locate(&scope, raw)?.text;
    let dir = open_directory(text)?;
    let stat = sys::statx(dir.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    Ok(Root::from_fd(dir, &stat, raw.to_vec(), text.to_vec()))
}

const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY);

/// Opens a directory for reading, on a local mount.
fn open_directory(text: &[u8]) -> Result<OwnedFd, NotCached> {
    let top = *TOP.read().unwrap_or_else(PoisonError::into_inner);
    let Some((_, locality)) = top else {
        return Err(NotCached {
            probe_locality: true,
        });
    };
    if locality != Locality::Remote {
        match open_in_memory(AT_FDCWD, text, DIRECTORY, RESOLVE_NO_XDEV) {
            Ok(dir) => return Ok(dir),
            // On another mount than `/`: EXDEV, or EAGAIN with RESOLVE_CACHED.
            Err(os) if matches!(os.errno, sys::EXDEV | sys::EAGAIN) => {}
            Err(_) => return Err(NOT_IN_MEMORY),
        }
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let held =
        open_in_memory(AT_FDCWD, text, flags, ResolveFlag::empty()).map_err(|_| NOT_IN_MEMORY)?;
    let mount = sys::statx_dont_sync(held.as_fd())
        .map_err(|_| NOT_IN_MEMORY)?
        .mount;
    local(mount)?;
    let dir = open_in_memory(held.as_fd(), b".", DIRECTORY, RESOLVE_NO_XDEV);
    sys::close_quietly(held);
    dir.map_err(|_| NOT_IN_MEMORY)
}
