//! Locks that the kernel holds for a process.
//!
//! The locked file is [`LockFile`]: it lies beside the file that the lock is for, or in a directory of
//! the caller's, and is never removed. The kernel releases the lock when its holder ends, however it
//! ends; a stopped or sleeping holder keeps it. No process id and no time decides anything.
//!
//! 1. `openat2` of the parent directory under the scope's policy ([`WriteTarget`]).
//! 2. The lock file in it, without following, and its owner, kind and number of names ([`file`]).
//! 3. The lock, without waiting: the callers wait.
//! 4. `fstatat` of its name: a lock file that was removed or replaced meanwhile locks nothing.

mod file;
mod origin;

#[cfg(target_os = "linux")]
pub(crate) use file::has_no_locks;

use crate::error::{Code, Error, Os, Refusal};
use crate::ops::write::{Durable, FinalSymlink, Rules, WriteTarget};
use crate::path;
use crate::resolve::{Root, Scope};
use crate::sys::{self, AsFd, OwnedFd};
use crate::temporary;
use file::{LockFile, MayCreate};
use origin::Origin;
use std::sync::Arc;

/// How a lock is taken.
#[derive(Debug, Clone, Copy)]
pub struct LockRules<'a> {
    /// Several holders of a shared lock exclude those of exclusive ones only.
    pub is_shared: bool,
    /// Permission bits of a new lock file.
    pub mode: u32,
    /// The directory for lock files; `None` for that of the file.
    pub directory: Option<&'a [u8]>,
    /// The mode of missing parents; `None` when they are not created.
    pub make_parents: Option<u32>,
    /// The lock is for an update, which refuses whatever is no file: before a lock file is created.
    pub is_for_file: bool,
    /// The root was opened by its path for this call, so that the path has to lead to it still.
    pub is_root_by_path: bool,
}

/// A lock file that is open, locked or not. Dropping it releases the lock.
#[derive(Debug)]
pub struct Lock {
    file: LockFile,
    /// The directory of the file, where the lock file lies elsewhere and is named after its inode. File
    /// systems that number inodes as they load them (FUSE, overlayfs) keep the number of one that is
    /// held.
    _named_after: Option<Arc<OwnedFd>>,
    path: Vec<u8>,
    is_held: bool,
    /// The text about the holder was written, and is removed before the release.
    is_signed: bool,
    /// Where the directories of file and lock file were found; empty for an append.
    origins: Vec<Origin>,
    /// Device and inode of the directory of the file; `None` for an append.
    directory: Option<(u64, u64)>,
}

impl Lock {
    /// Opens the lock file for a path. The file that the path names need not exist.
    ///
    /// # Errors
    ///
    /// Those of a write for the path. [`Code::Symlink`] for a link under the name, and
    /// [`Code::Symlink`], [`Code::NotFile`], [`Code::Hardlink`],
    /// [`Code::NotOwned`] for the lock file; otherwise what the system returned.
    pub fn open(scope: &Scope<'_>, raw: &[u8], rules: &LockRules<'_>) -> Result<Self, Error> {
        let for_write = Rules {
            mode: None,
            new_file_mode: 0,
            overwrite: true,
            final_symlink: FinalSymlink::Reject,
            durable: Durable::No,
            make_parents: rules.make_parents,
            reject_hardlinks: false,
            in_place: false,
        };
        let target = WriteTarget::find(scope, raw, &for_write)?;
        match target.stat()? {
            // The file that it leads to has another name, and so another lock.
            Some(stat) if stat.is_symlink() => {
                return Err(Error::refused(Code::Symlink, "state-link"));
            }
            Some(stat) if rules.is_for_file && !stat.is_file() => {
                return Err(Error::refused(Code::NotFile, stat.kind_word()));
            }
            _ => {}
        }
        let mut lock = Self::beside(&target, rules, &|| Ok(()))?;
        let identity = target.identity()?;
        lock.origins
            .extend(Origin::of_parent(scope, raw, identity)?);
        if let Some(root) = scope.root
            && rules.is_root_by_path
        {
            lock.origins.push(Origin::of_root(root.given(), root));
        }
        lock.directory = Some(identity);
        Ok(lock)
    }

    /// Opens the lock file for a name in a directory that is held open. `may_create` is called before a
    /// missing one is created.
    pub(crate) fn beside(
        target: &WriteTarget,
        rules: &LockRules<'_>,
        may_create: MayCreate<'_>,
    ) -> Result<Self, Error> {
        let mut origins = Vec::new();
        let (dir, name, path) = match rules.directory {
            None => {
                let name = temporary::lock_name(target.name(), None);
                let path = target.full_path(&name);
                (target.directory(), name, path)
            }
            Some(directory) => {
                let outside = sys::fstat(target.directory().as_fd())?;
                let outside = (outside.dev, outside.ino);
                let root =
                    Root::open(directory).map_err(|error| in_lock_directory(error, directory))?;
                // The directory of the file itself is the default, by whatever path.
                let is_outside = root.identity() != outside;
                let name = temporary::lock_name(target.name(), is_outside.then_some(outside));
                let path = path::join(root.real(), &name).into_owned();
                origins.push(Origin::of_root(directory, &root));
                (root.directory(), name, path)
            }
        };
        let file = LockFile::open(dir, name, rules.is_shared, rules.mode, may_create)
            .map_err(|error| with_path(error, &path))?;
        Ok(Self {
            file,
            _named_after: rules.directory.map(|_| target.directory()),
            path,
            is_held: false,
            is_signed: false,
            origins,
            directory: None,
        })
    }

    /// Takes the lock if it is free now.
    ///
    /// # Errors
    ///
    /// [`Code::UnsupportedPlatform`] where the file system has no locks; [`Code::PathMismatch`] for
    /// a lock file that is replaced again and again; otherwise what the system returned.
    pub fn try_lock(&mut self) -> Result<bool, Error> {
        self.is_held = self
            .file
            .try_lock()
            .map_err(|error| with_path(error, &self.path))?;
        if self.is_held {
            self.file.clear_old_text();
        }
        Ok(self.is_held)
    }

    /// Returns an error unless the locked file still has its name, and the paths that the caller gave
    /// still lead to its directory and to that of the file: two holders are possible from then on.
    ///
    /// # Errors
    ///
    /// [`Code::LockLost`].
    pub fn check(&self) -> Result<(), Error> {
        if !self.is_held || !self.file.has_its_name()? {
            return Err(Error::refused(Code::LockLost, ""));
        }
        for origin in &self.origins {
            if !origin.is_there()? {
                return Err(Error::refused(Code::LockLost, "directory"));
            }
        }
        Ok(())
    }

    /// Releases the lock. As [`Self::check`], after the work that the lock was for: what the system
    /// returned to the check is no failure of that work.
    ///
    /// # Errors
    ///
    /// [`Code::LockLost`], also where it is not known.
    pub fn release(self) -> Result<(), Error> {
        self.check().map_err(|error| match error {
            Error::System { os, .. } => Error::refused_by(Code::LockLost, "unchecked", os),
            lost => lost,
        })
    }

    /// As [`Self::check`], for a write that publishes into a directory: the lock has to be that of the same
    /// one.
    ///
    /// # Errors
    ///
    /// [`Code::LockLost`].
    pub fn check_for(&self, directory: (u64, u64)) -> Result<(), Error> {
        self.check()?;
        if self.directory == Some(directory) {
            Ok(())
        } else {
            Err(Error::refused(Code::LockLost, "directory"))
        }
    }

    /// Writes a text about the holder into the lock file, for people. Nothing is decided by it, and
    /// a failure is ignored.
    pub fn sign(&mut self, text: &[u8]) {
        if self.file.is_shared() || !self.is_held {
            return;
        }
        self.is_signed = self.file.write_text(text);
    }

    /// Returns the text about the holder; empty where there is none.
    #[must_use]
    pub fn holder(&self) -> Vec<u8> {
        self.file.text()
    }

    /// Releases the lock, also for copies of the descriptor that a child inherited.
    pub(crate) fn unlock(&mut self) -> Result<(), Os> {
        if !std::mem::take(&mut self.is_held) {
            return Ok(());
        }
        if self.is_signed {
            self.file.clear_text();
        }
        self.file.unlock()
    }

    /// Returns device and inode of the lock file.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        self.file.identity()
    }

    /// Returns the real path of the lock file.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns whether the lock excludes all processes that can reach the file: it lies on a file
    /// system of this host.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        matches!(sys::may_be_shared(self.file.fd()), Ok(false))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The descriptor is closed next, which ends the lock unless a child inherited a copy.
        let _ = self.unlock();
    }
}

/// Says that a failure concerns the directory for lock files.
fn in_lock_directory(error: Error, directory: &[u8]) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            refusal.detail = "lock-directory";
            Error::Refused(refusal)
        }
        error => with_path(error, directory),
    }
}

/// Adds the path of the lock file to what the system returned.
fn with_path(error: Error, path: &[u8]) -> Error {
    match error {
        Error::System { os, .. } => Error::System {
            os,
            temporary: Some(path.to_vec()),
        },
        Error::Refused(refusal) if refusal.detail.starts_with("lock") => Refusal {
            lock_file: Some(path.to_vec()),
            ..*refusal
        }
        .into(),
        other => other,
    }
}
