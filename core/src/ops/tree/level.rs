//! One directory of a tree.

use crate::error::Os;
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OwnedFd, Stat};
use std::sync::Arc;

/// A directory that was opened, and what is still to do in it.
#[derive(Debug)]
pub(in crate::ops) struct Level {
    name: Vec<u8>,
    fd: Option<Arc<OwnedFd>>,
    identity: (u64, u64),
    /// Names of directories in it that were not entered yet.
    pub(in crate::ops) pending: Vec<Vec<u8>>,
    /// How many times it was read.
    pub(in crate::ops) rounds: u32,
}

impl Level {
    pub(super) fn new(name: &[u8], fd: OwnedFd, stat: &Stat) -> Self {
        Self {
            name: name.to_vec(),
            fd: Some(Arc::new(fd)),
            identity: (stat.dev, stat.ino),
            pending: Vec::new(),
            rounds: 0,
        }
    }

    /// Returns its name in the directory above.
    pub(in crate::ops) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns its descriptor. Only the tree calls this for a level that may be closed.
    pub(in crate::ops) fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Some(fd) => fd.as_fd(),
            None => unreachable!("the tree opens a level before it is used"),
        }
    }

    /// Returns its descriptor, for uses that outlive the borrow of the tree.
    pub(in crate::ops) fn directory(&self) -> Option<Arc<OwnedFd>> {
        self.fd.clone()
    }

    /// Returns whether a stat is that of this directory.
    pub(in crate::ops) fn is(&self, stat: &Stat) -> bool {
        (stat.dev, stat.ino) == self.identity
    }

    pub(super) fn close(&mut self) {
        self.fd = None;
    }

    pub(super) fn reopen(&mut self, fd: OwnedFd) {
        self.fd = Some(Arc::new(fd));
    }

    /// Gives this user all permissions on the directory, if it is theirs. Returns whether that
    /// changed anything.
    pub(in crate::ops) fn permit(&self) -> bool {
        permit(self.as_fd()).unwrap_or(false)
    }
}

/// Gives the owner of a held directory all permissions on it, if that is this user. Returns whether
/// that changed anything.
pub(in crate::ops) fn permit(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    const ALL: u32 = 0o700;
    let stat = sys::fstat(dir)?;
    if !stat.is_directory() || !metadata::is_own(stat.uid) || stat.mode & ALL == ALL {
        return Ok(false);
    }
    sys::change_mode_of_path_fd(dir, stat.permissions() | ALL)?;
    Ok(true)
}
