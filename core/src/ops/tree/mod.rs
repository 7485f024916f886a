//! A tree that is walked by descriptors: every directory is opened by its name in the open
//! directory above it, and no path is used.
//!
//! - No symlink is followed, and no mount is entered: EBUSY.
//! - The number of open descriptors is bounded. The directories above the deepest ones are closed,
//!   and reopened by `..` from their child. They have to be the same directories then.

mod count;
mod level;

use super::failure::Failure;
use crate::error::{Code, Error, Os};
use crate::resolve::Resolver;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
pub(super) use count::count;
pub(super) use level::{Level, permit};

/// Directories that are open at the same time. Windows opens no directory by `..`, and has no low
/// limit of handles.
const MAX_OPEN: usize = if cfg!(windows) { 1 << 24 } else { 32 };

/// The directories from the top of a tree down to the current one.
#[derive(Debug)]
pub(super) struct Tree {
    levels: Vec<Level>,
    /// Index of the highest level that is open. Those below it are open as well.
    open_from: usize,
    device: u64,
    mount: Option<u64>,
    resolver: Resolver,
}

/// What has the name of an expected directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    Directory,
    /// The name is gone.
    Nothing,
    /// Anything but a directory, a symlink included.
    Other,
}

impl Tree {
    /// Starts at a directory that is not part of the tree. The tree lies on its mount.
    pub(super) fn new(parent: BorrowedFd<'_>, resolver: Resolver) -> Result<Self, Os> {
        let stat = sys::statx(parent)?;
        Ok(Self {
            levels: Vec::new(),
            open_from: 0,
            device: stat.dev,
            mount: stat.mount,
            resolver,
        })
    }

    /// Returns the current directory.
    pub(super) fn here(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// Returns how many directories lie above the next entry.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Returns whether a directory lies on the mount of the tree. The device is compared as well: a
    /// subvolume is a file system of its own without being a mount.
    fn holds_directory(&self, stat: &Stat) -> bool {
        let is_other = |(one, other)| one != other;
        stat.dev == self.device && !stat.mount.zip(self.mount).is_some_and(is_other)
    }

    /// Returns whether a file lies on the mount of the tree. Where the kernel did not tell the mount
    /// of either, another device makes it suspect: on an overlay, a file has the device of its layer.
    fn holds_file(&self, file: BorrowedFd<'_>, stat: &Stat) -> bool {
        match stat.mount.zip(self.mount) {
            Some((one, other)) => one == other,
            None => stat.dev == self.device || !sys::may_be_mount_point(file),
        }
    }

    /// Opens a directory of the current one, and makes it the current one.
    ///
    /// # Errors
    ///
    /// EBUSY for a mount; what the system returned, but for a name that is gone or no directory.
    pub(super) fn enter(&mut self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<Entered, Os> {
        let dir = self.levels.last().map_or(parent, Level::as_fd);
        let flags = sys::SEARCH_ONLY | OFlag::O_NOFOLLOW;
        let opened = sys::open_on_mount(dir, name, flags, self.resolver == Resolver::Kernel);
        let fd = match opened {
            Ok(fd) => fd,
            Err(os) if os.errno == sys::ENOENT => return Ok(Entered::Nothing),
            Err(os) if matches!(os.errno, sys::ENOTDIR | sys::ELOOP) => return Ok(Entered::Other),
            Err(os) if os.errno == sys::EXDEV => return Err(busy(os.syscall)),
            Err(os) => return Err(os),
        };
        let stat = sys::statx(fd.as_fd())?;
        if !self.holds_directory(&stat) {
            return Err(busy("open"));
        }
        self.levels.push(Level::new(name, fd, &stat));
        if self.levels.len() - self.open_from > MAX_OPEN {
            self.levels[self.open_from].close();
            self.open_from += 1;
        }
        Ok(Entered::Directory)
    }

    /// Opens a name in the current directory, on the mount of the tree.
    ///
    /// # Errors
    ///
    /// EBUSY for a mount; what the system returned.
    pub(super) fn open(&self, name: &[u8], flags: OFlag) -> Result<OwnedFd, Os> {
        let Some(level) = self.levels.last() else {
            return Err(busy("open"));
        };
        let kernel = self.resolver == Resolver::Kernel;
        let fd = match sys::open_on_mount(level.as_fd(), name, flags, kernel) {
            Err(os) if os.errno == sys::EXDEV => return Err(busy(os.syscall)),
            result => result?,
        };
        let stat = sys::statx(fd.as_fd())?;
        let is_held = if stat.is_directory() {
            self.holds_directory(&stat)
        } else {
            self.holds_file(fd.as_fd(), &stat)
        };
        if is_held { Ok(fd) } else { Err(busy("open")) }
    }

    /// Returns the directory above the current one, opened again if it was closed.
    ///
    /// # Errors
    ///
    /// [`Code::PathMismatch`]: the current directory was moved.
    pub(super) fn above<'a>(
        &'a mut self,
        parent: BorrowedFd<'a>,
    ) -> Result<BorrowedFd<'a>, Failure> {
        let index = match self.levels.len() {
            0 | 1 => return Ok(parent),
            length => length - 2,
        };
        if index < self.open_from {
            let fd = sys::open_at(self.levels[index + 1].as_fd(), b"..", sys::SEARCH_ONLY);
            let is_same =
                |fd: &OwnedFd| Ok::<_, Os>(self.levels[index].is(&sys::fstat(fd.as_fd())?));
            match fd {
                Ok(fd) if is_same(&fd)? => {
                    self.levels[index].reopen(fd);
                    self.open_from = index;
                }
                Err(os) if !matches!(os.errno, sys::ENOENT | sys::EACCES) => return Err(os.into()),
                _ => return Err(Error::refused(Code::PathMismatch, "tree").into()),
            }
        }
        Ok(self.levels[index].as_fd())
    }

    /// Gives this user all permissions on the directory above the current one, if it is part of the
    /// tree and theirs. Returns whether that changed anything.
    pub(super) fn permit_above(&mut self, parent: BorrowedFd<'_>) -> Result<bool, Failure> {
        if self.levels.len() < 2 {
            return Ok(false);
        }
        Ok(level::permit(self.above(parent)?)?)
    }

    /// Returns to the directory above, which [`Self::above`] has opened.
    pub(super) fn leave(&mut self) -> Option<Level> {
        let left = self.levels.pop();
        self.open_from = self.open_from.min(self.levels.len());
        left
    }

    /// Returns the path of a name in the current directory, relative to the top.
    pub(super) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = Vec::new();
        let below = self.levels.iter().skip(1).map(Level::name);
        let names = below.chain((!self.levels.is_empty()).then_some(name));
        for name in names.filter(|name| !name.is_empty()) {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }
}

/// The error for a mount in the tree.
fn busy(syscall: &'static str) -> Os {
    Os {
        errno: sys::EBUSY,
        syscall,
    }
}

/// The `S_IFMT` bits of a directory.
const DIRECTORY: u32 = 0o040_000;

/// Returns whether an entry is a directory, as far as the file system tells.
pub(super) fn may_be_directory(kind: Option<u32>) -> bool {
    kind.is_none_or(|kind| kind == DIRECTORY)
}

/// Returns whether a directory is, or lies beneath, the directory with this stat. Goes up by `..`,
/// so that bind mounts and symlinks on the way to it make no difference.
pub(super) fn is_within(dir: BorrowedFd<'_>, top: &Stat) -> Result<bool, Os> {
    let mut here = sys::open_at(dir, b".", sys::SEARCH_ONLY)?;
    let mut stat = sys::fstat(here.as_fd())?;
    loop {
        if stat.is_same_object(top) {
            return Ok(true);
        }
        let above = sys::open_at(here.as_fd(), b"..", sys::SEARCH_ONLY)?;
        let next = sys::fstat(above.as_fd())?;
        if next.is_same_object(&stat) {
            // The top of the file system.
            return Ok(false);
        }
        (here, stat) = (above, next);
    }
}
