//! The verbs' answers from memory, for a thread that must not wait.
//!
//! An event loop may do itself what cannot block, and that is much cheaper than a trip to a pool
//! of threads. Here nothing is asked of a file system that is not known to be local:
//! `openat2(RESOLVE_CACHED)` resolves in the kernel's memory alone, `RESOLVE_NO_XDEV` keeps the
//! real open on the mount whose kind is known, and `preadv2(RWF_NOWAIT)` reads the page cache
//! alone. Whatever is not certain, every refusal included, is answered [`Cached::Elsewhere`]: the
//! caller then asks the ordinary verb where waiting does no harm, and gets the answer from there.
//!
//! What kind of file system a mount has is learned by [`learn`], which asks, and may wait.

mod held;

use crate::ensure_dir::{Ensured, Hardening, Rules as EnsureRules};
use crate::metadata::mounts;
use crate::metadata::{self, SHARED_BITS};
use crate::path;
use crate::read::{self, OpenFile, Rules};
use crate::resolve::{Found, Last, Located, Policy, Resolver, Scope};
use crate::sys::{
    self, Locality, OFlag, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use nix::fcntl::{AT_FDCWD, ResolveFlag};
use std::cell::RefCell;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{PoisonError, RwLock};

pub use held::{open_root, status};

/// Most bytes that are read on the calling thread. Copying them takes some tens of microseconds.
pub const MOST_BYTES: u64 = 256 * 1024;

/// An answer from memory.
#[derive(Debug)]
pub enum Cached<T> {
    /// This is it.
    Known(T),
    /// It takes the ordinary verb. True: [`learn`] first, the mount is not known yet.
    Elsewhere(bool),
}

/// The mount of `/`, as far as it is known.
static TOP: RwLock<Option<(u64, Locality)>> = RwLock::new(None);

/// Finds out the locality of the mounts that a path leads to, and `/` itself. It may wait.
///
/// What cannot be found out stays unknown, and its answers are never taken from memory.
pub fn learn(scope: &Scope<'_>, raw: &[u8]) {
    if let Some(root) = scope.root {
        mounts::learn(root.directory().as_fd());
        return;
    }
    if let Ok(top) = sys::open_at(AT_FDCWD, b"/", OFlag::O_PATH | OFlag::O_DIRECTORY) {
        let learned = mounts::learn(top.as_fd());
        *TOP.write().unwrap_or_else(PoisonError::into_inner) = learned;
    }
    let Ok(located) = scope.locate(raw) else {
        return;
    };
    for text in [
        &*located.text,
        path::split(&located.text).map_or(b"/", |(parent, _)| parent),
    ] {
        if let Ok(found) = scope.open(text, OFlag::O_PATH, Last::Keep) {
            mounts::learn(found.fd.as_fd());
        }
    }
}

/// A directory whose mount is known to be local, to open something from without leaving it.
struct Start {
    dir: Option<OwnedFd>,
    root: Option<std::sync::Arc<OwnedFd>>,
    /// What remains of the path from there.
    skip: usize,
    locality: Locality,
}

impl Start {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match (&self.dir, &self.root) {
            (Some(dir), _) => dir.as_fd(),
            (None, Some(root)) => root.as_fd(),
            (None, None) => AT_FDCWD,
        }
    }
}

/// Why there is no answer from memory.
struct Elsewhere {
    learn: bool,
}

const NOT_IN_MEMORY: Elsewhere = Elsewhere { learn: false };

impl<T> From<Elsewhere> for Cached<T> {
    fn from(elsewhere: Elsewhere) -> Self {
        Self::Elsewhere(elsewhere.learn)
    }
}

/// Checks a path as the ordinary verb would; what that refuses is its to refuse.
fn locate<'p>(scope: &Scope<'_>, raw: &'p [u8]) -> Result<Located<'p>, Elsewhere> {
    if scope.resolver != Resolver::Kernel || scope.policy == Policy::FollowTrusted {
        return Err(NOT_IN_MEMORY);
    }
    match scope.locate(raw) {
        Ok(located) if !located.names_directory => Ok(located),
        _ => Err(NOT_IN_MEMORY),
    }
}

/// The locality of a mount, if something may be opened there on this thread.
fn local(mount: Option<u64>) -> Result<Locality, Elsewhere> {
    let mount = mount.ok_or(NOT_IN_MEMORY)?;
    match mounts::known(mount) {
        None => Err(Elsewhere { learn: true }),
        Some(Locality::Remote) => Err(NOT_IN_MEMORY),
        Some(locality) => Ok(locality),
    }
}

/// Opens the parent of a path by path alone, which asks no file system, and looks up its mount.
fn start_at_parent(text: &[u8]) -> Result<Start, Elsewhere> {
    let (parent, name) = path::split(text).ok_or(NOT_IN_MEMORY)?;
    let dir = open_in_memory(
        AT_FDCWD,
        parent,
        OFlag::O_PATH | OFlag::O_DIRECTORY,
        ResolveFlag::empty(),
    )
    .map_err(|_| NOT_IN_MEMORY)?;
    let stat = sys::statx_dont_sync(dir.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    let locality = local(stat.mount)?;
    Ok(Start {
        dir: Some(dir),
        root: None,
        skip: text.len() - name.len(),
        locality,
    })
}

fn open_in_memory(
    dir: BorrowedFd<'_>,
    text: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, crate::error::Os> {
    sys::open_at2(
        dir,
        text,
        flags,
        resolve | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED,
    )
}

/// Opens a file from a start on a local mount, and cannot leave that mount.
fn open_from(start: &Start, text: &[u8]) -> Result<OwnedFd, crate::error::Os> {
    let beneath = if start.root.is_some() {
        RESOLVE_BENEATH
    } else {
        ResolveFlag::empty()
    };
    open_in_memory(
        start.as_fd(),
        &text[start.skip..],
        OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW,
        beneath | RESOLVE_NO_XDEV,
    )
}

/// Opens a file that the kernel has in memory, on a mount that is local.
fn open(scope: &Scope<'_>, text: &[u8]) -> Result<(OwnedFd, Locality), Elsewhere> {
    if let Some(root) = scope.root {
        let dir = root.directory();
        let start = Start {
            locality: local(root.mount())?,
            dir: None,
            root: Some(dir),
            skip: 0,
        };
        let fd = open_from(&start, text).map_err(|_| NOT_IN_MEMORY)?;
        return Ok((fd, start.locality));
    }
    let top = *TOP.read().unwrap_or_else(PoisonError::into_inner);
    let Some((_, locality)) = top else {
        return Err(Elsewhere { learn: true });
    };
    let parent = path::split(text).map_or(&b""[..], |(parent, _)| parent);
    if locality != Locality::Remote && !is_on_another_mount(parent) {
        let start = Start {
            dir: None,
            root: None,
            skip: 0,
            locality,
        };
        match open_from(&start, text) {
            Ok(fd) => return Ok((fd, locality)),
            // Another mount than that of `/`: crossing into it is EXDEV, or EAGAIN from memory.
            Err(os) if matches!(os.errno, sys::EXDEV | sys::EAGAIN) => {}
            Err(_) => return Err(NOT_IN_MEMORY),
        }
    }
    let start = start_at_parent(text)?;
    let fd = open_from(&start, text).map_err(|_| NOT_IN_MEMORY)?;
    ELSEWHERE.with_borrow_mut(|last| {
        last.clear();
        last.extend_from_slice(parent);
    });
    Ok((fd, start.locality))
}

thread_local! {
    /// The directory last found on another mount than `/`, so that its files are not looked for
    /// on that of `/` first. A hint that is wrong costs a call, and nothing else.
    static ELSEWHERE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn is_on_another_mount(parent: &[u8]) -> bool {
    ELSEWHERE.with_borrow(|last| last == parent && !parent.is_empty())
}

/// A file that passed the rules, and its locality.
#[derive(Debug)]
pub struct InMemory {
    /// The file.
    pub file: OpenFile,
    is_memory: bool,
}

/// Opens a file under the rules, from memory alone.
#[must_use]
pub fn open_file(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Cached<InMemory> {
    match try_open_file(scope, raw, rules) {
        Ok(file) => Cached::Known(file),
        Err(elsewhere) => elsewhere.into(),
    }
}

fn try_open_file(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<InMemory, Elsewhere> {
    let located = locate(scope, raw)?;
    read::refuse_by_text(scope, &located).map_err(|_| NOT_IN_MEMORY)?;
    let (fd, locality) = open(scope, &located.text)?;
    let stat = sys::statx(fd.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    let found = Found { fd, is_exact: true };
    // Pseudo file systems are never local, so they need not be asked for.
    let local_rules = Rules {
        allow_pseudo: true,
        ..*rules
    };
    if read::judge(&found, &stat, &local_rules).is_err() {
        return Err(NOT_IN_MEMORY);
    }
    let real = scope.other_path(&located, &found);
    Ok(InMemory {
        file: OpenFile::judged(found.fd, stat, real),
        is_memory: locality == Locality::Memory,
    })
}

impl InMemory {
    /// Whether it is small enough to be copied on the calling thread.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.file.size() <= MOST_BYTES
    }

    /// Reads everything into `place`, which must not be shorter than the size. `None`: not all of
    /// it is in memory, or it is not what its size says.
    #[must_use]
    pub fn read(&self, place: &mut [u8]) -> Option<usize> {
        let fd = self.file.as_fd();
        // One byte more shows whether the file has grown; one place costs less than two.
        let mut probe = [0_u8; 1];
        let is_longer = place.len() as u64 > self.file.size();
        let mut places = [IoSliceMut::new(place), IoSliceMut::new(&mut probe)];
        let count = if is_longer { 1 } else { 2 };
        // Memory cannot tell whether it would wait, and never does.
        let count = sys::read_from_start(fd, &mut places[..count], self.is_memory);
        let is_whole = |count: &usize| *count as u64 == self.file.size();
        count.ok().filter(is_whole)
    }
}

/// A directory that is there already and has nothing beyond the mode.
#[must_use]
pub fn ensure_dir(scope: &Scope<'_>, raw: &[u8], rules: &EnsureRules) -> Cached<Ensured> {
    match try_ensure_dir(scope, raw, rules) {
        Ok(ensured) => Cached::Known(ensured),
        Err(elsewhere) => elsewhere.into(),
    }
}

fn try_ensure_dir(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &EnsureRules,
) -> Result<Ensured, Elsewhere> {
    let located = locate(scope, raw)?;
    let root = scope.root.map(|root| root.directory());
    let beneath = if root.is_some() {
        RESOLVE_BENEATH
    } else {
        ResolveFlag::empty()
    };
    let start = root.as_ref().map_or(AT_FDCWD, |root| root.as_fd());
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let fd = open_in_memory(start, &located.text, flags, beneath).map_err(|_| NOT_IN_MEMORY)?;
    let stat = sys::statx_dont_sync(fd.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    // What is in memory of a local file system is the truth.
    local(stat.mount)?;
    if stat.mode & 0o777 & !rules.mode != 0 || !metadata::is_own_or_root(stat.uid) {
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
