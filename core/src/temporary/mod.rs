//! A temporary file in the directory of its target, until it is published or dropped.
//!
//! It is unnamed (`O_TMPFILE`) where that costs nothing: a killed process then leaves no file
//! behind. A new file gets its only name by `linkat`. A replacement still needs a name for
//! `rename`, since `linkat` never replaces; it gets one just before the rename. Elsewhere the
//! temporary has a random name from the start.

mod exchange;
mod leftover;
mod lock;
mod name;
mod publication_errnos;
mod publish_open;
mod removal;
mod unnamed;

use crate::error::Os;
use crate::metadata::locality;
use crate::sys::{self, AsFd, BorrowedFd, Locality, OFlag, OwnedFd, Stat};
use std::sync::Arc;

pub(crate) use exchange::Exchange;
use leftover::create_at;
pub(crate) use leftover::reporting_leftovers;
use lock::NameLock;
pub(crate) use lock::{is_name_locked, readable};
pub(crate) use name::{RECOVERY_SUFFIX, is_name_of_one, lock_name};
pub(crate) use name::{SUFFIX, with_random_name};
pub(crate) use publication_errnos::{cannot_rename_new, is_refused_link};
use unnamed::{create_unnamed, probe_link};

/// How a file got its final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `rename(2)`.
    Rename,
    /// `link(2)`: of an unnamed file, or where no rename without replacement exists.
    Link,
    /// No new name: the content of the existing file was overwritten.
    InPlace,
}

/// The outcome of an attempt to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The file has its final name.
    Published(Method),
    /// A security module, a filter or the file system refuses to link an unnamed file. A copy with
    /// a name from the start can be published.
    NeedsNamedCopy,
}

/// What a temporary is for. The purpose and the file system decide whether it is unnamed.
///
/// Measured on ext4, xfs, btrfs and tmpfs: for a new file the unnamed temporary is never slower.
/// For a synced replacement the difference is lost in the sync. An unsynced replacement takes a
/// tenth longer, and several times as long on ext4, which then writes back at the rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// No file has the final name.
    New,
    /// Replaces a file on this mount, with or without a sync.
    Replacement { mount: Option<u64>, is_synced: bool },
    /// Content that comes in pieces, over a long time.
    Stream,
    /// Named from the start: other programs write it by that name, or a link of an unnamed one
    /// failed.
    Named,
}

impl Purpose {
    fn wants_no_name(self) -> bool {
        match self {
            Self::New | Self::Stream => true,
            Self::Replacement {
                mount,
                is_synced: true,
            } => mount.and_then(locality::cached) != Some(Locality::Memory),
            Self::Replacement { .. } | Self::Named => false,
        }
    }
}

/// A new file with an unguessable name or none. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Temporary {
    dir: Arc<OwnedFd>,
    name: Option<Vec<u8>>,
    fd: Option<OwnedFd>,
    /// Its stat after the creation, if that is known; taken by [`Self::first_stat`].
    stat: Option<Stat>,
    /// The same of an unnamed file, for its mount.
    created: Option<Stat>,
    /// A second descriptor of the open file, which stays open after [`Self::close`], or why there
    /// is none.
    kept: Option<Result<OwnedFd, Os>>,
    stays_open: bool,
    /// Whether a drop removes any file under the name, as other programs may rename files onto it.
    is_shared: bool,
    /// Dropped after the name is removed.
    _lock: Option<NameLock>,
}

impl Temporary {
    /// Creates a temporary with a mode that the umask may narrow.
    pub(crate) fn create(dir: Arc<OwnedFd>, mode: u32, purpose: Purpose) -> Result<Self, Os> {
        match Self::create_unnamed(&dir, mode, purpose) {
            Some(created) => Ok(created),
            None => Self::create_named(dir, mode, SUFFIX),
        }
    }

    /// Creates an unnamed temporary, if the purpose wants one and the file system can make one.
    fn create_unnamed(dir: &Arc<OwnedFd>, mode: u32, purpose: Purpose) -> Option<Self> {
        if !purpose.wants_no_name() {
            return None;
        }
        let (fd, stat) = create_unnamed(dir.as_fd(), mode)?;
        let mut created = Self::new(Arc::clone(dir), None, fd);
        created.stat = Some(stat);
        created.created = Some(stat);
        Some(created)
    }

    /// Creates a temporary with a name from the start.
    ///
    /// 128 random bits do not collide. A name that exists anyway was planted, and the bounded
    /// number of tries prevents an endless loop.
    pub(crate) fn create_named(dir: Arc<OwnedFd>, mode: u32, suffix: &[u8]) -> Result<Self, Os> {
        let (name, fd) = with_random_name(suffix, |name| create_at(dir.as_fd(), name, mode))?;
        Ok(Self::new(dir, Some(name), fd))
    }

    /// Creates a temporary for a long write. [`crate::ops::clean`] leaves it alone until it is
    /// dropped, and its file stays open until then.
    pub(crate) fn create_locked(
        dir: Arc<OwnedFd>,
        mode: u32,
        purpose: Purpose,
    ) -> Result<Self, Os> {
        let mut created = match Self::create_unnamed(&dir, mode, purpose) {
            Some(created) => {
                // For the short time in which it has a name to be renamed from.
                let _ = sys::try_lock(created.fd()?);
                created
            }
            None => Self::create_named_locked(dir, mode)?,
        };
        created.stay_open();
        Ok(created)
    }

    /// Creates a named temporary, and locks its name before the file exists. Where names cannot be
    /// locked, the file is locked afterwards, and created again if it was removed in between.
    fn create_named_locked(dir: Arc<OwnedFd>, mode: u32) -> Result<Self, Os> {
        const TRIES: u32 = 16;
        let mut tries = 1;
        loop {
            let mut lock = None;
            let (name, fd) = with_random_name(SUFFIX, |name| {
                lock = NameLock::take(&dir, name);
                create_at(dir.as_fd(), name, mode)
            })?;
            let mut created = Self::new(Arc::clone(&dir), Some(name), fd);
            let has_lock = lock.is_some();
            created._lock = lock;
            let fd = created.fd()?;
            let is_judged = matches!(sys::try_lock(fd), Ok(false));
            let is_safe = has_lock || tries == TRIES || (!is_judged && sys::fstat(fd)?.nlink > 0);
            if is_safe {
                return Ok(created);
            }
            tries += 1;
        }
    }

    fn new(dir: Arc<OwnedFd>, name: Option<Vec<u8>>, fd: OwnedFd) -> Self {
        Self {
            dir,
            name,
            fd: Some(fd),
            stat: None,
            created: None,
            kept: None,
            stays_open: false,
            is_shared: false,
            _lock: None,
        }
    }

    /// Makes [`Self::close`] keep a second descriptor, for the file's identity, content and lock.
    pub(crate) fn stay_open(&mut self) {
        self.stays_open = true;
    }

    /// Allows other programs to rename files onto its name.
    pub(crate) fn share(&mut self) {
        self.is_shared = true;
    }

    /// Returns its temporary name, while it has one.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// Returns the open file; EBADF after [`Self::close`].
    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>, Os> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Os {
            errno: sys::EBADF,
            syscall: "write",
        })
    }

    /// Returns the file, also after [`Self::close`] where it stays open.
    pub(crate) fn any_fd(&self) -> Option<BorrowedFd<'_>> {
        let kept = self.kept.as_ref().and_then(|kept| kept.as_ref().ok());
        self.fd.as_ref().or(kept).map(AsFd::as_fd)
    }

    /// Returns the file as [`Self::any_fd`] does, or the reason why it is not open.
    pub(crate) fn content(&self) -> Result<BorrowedFd<'_>, Os> {
        match (self.any_fd(), &self.kept) {
            (Some(fd), _) => Ok(fd),
            (None, Some(Err(os))) => Err(*os),
            (None, _) => self.fd(),
        }
    }

    /// Opens the file by its name after [`Self::close`]. Returns false if another file has the
    /// name.
    pub(crate) fn reopen(&mut self, file: &Stat) -> Result<bool, Os> {
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let own = self.name.as_deref().unwrap_or_default();
        let fd = sys::open_at(self.dir.as_fd(), own, flags)?;
        let is_same = sys::fstat(fd.as_fd())?.is_same_object(file);
        if is_same {
            self.fd = Some(fd);
        }
        Ok(is_same)
    }

    /// Returns whether its name, if it has one, still refers to this file.
    pub(crate) fn has_own_name(&self, file: &Stat) -> Result<bool, Os> {
        match &self.name {
            Some(name) => Ok(sys::fstatat(self.dir.as_fd(), name)?.is_same_object(file)),
            None => Ok(true),
        }
    }

    /// Returns its stat before any change to it.
    pub(crate) fn first_stat(&mut self) -> Result<Stat, Os> {
        match self.stat.take() {
            Some(stat) => Ok(stat),
            None => sys::fstat(self.fd()?),
        }
    }

    /// Replaces the descriptor by one of the file that has the name now.
    pub(crate) fn replace_fd(&mut self, fd: OwnedFd) {
        self.fd = Some(fd);
    }

    /// Closes the file before it is published. NFS, FUSE and quotas report failed writes at close.
    ///
    /// An unnamed file stays open, as only its descriptor can reach it. It lies on a file system
    /// that reports nothing at close.
    pub(crate) fn close_if_named(&mut self) -> Result<(), Os> {
        if self.name.is_some() {
            self.close()
        } else {
            Ok(())
        }
    }

    /// Closes the file. Where it has to stay open, a second descriptor keeps it open: each close
    /// reports failed writes.
    pub(crate) fn close(&mut self) -> Result<(), Os> {
        let Some(fd) = self.fd.take() else {
            return Ok(());
        };
        if self.stays_open {
            // Without a second descriptor, complete content is published all the same.
            self.kept = Some(fd.try_clone().map_err(|error| Os {
                errno: error.raw_os_error().unwrap_or(sys::EMFILE),
                syscall: "fcntl",
            }));
        }
        sys::close(fd)
    }

    /// Closes the file for good, after publication.
    pub(crate) fn end(mut self) -> Result<(), Os> {
        self.stays_open = false;
        self.close()
    }

    /// Publishes the file over whatever has the final name. Where the name seems free, an unnamed
    /// file is linked; EEXIST then means that a file appeared there since.
    pub(crate) fn publish_over(&mut self, name: &[u8], seems_free: bool) -> Result<Attempt, Os> {
        if self.name.is_none() && seems_free {
            return self.link_unnamed(name);
        }
        if !self.prepare_rename()? {
            return Ok(Attempt::NeedsNamedCopy);
        }
        let own = self.name.as_deref().unwrap_or_default();
        sys::rename_at(self.dir.as_fd(), own, self.dir.as_fd(), name)?;
        self.name = None;
        Ok(Attempt::Published(Method::Rename))
    }

    /// Publishes the file if the final name is free. Of several such calls, one wins.
    pub(crate) fn publish_new(&mut self, name: &[u8]) -> Result<Attempt, Os> {
        let Some(own) = &self.name else {
            return self.link_unnamed(name);
        };
        let dir = self.dir.as_fd();
        match sys::rename_new(dir, own, dir, name) {
            Ok(()) => {
                self.name = None;
                Ok(Attempt::Published(Method::Rename))
            }
            Err(os) if cannot_rename_new(os) => {
                sys::link_at(dir, own, dir, name)?;
                Ok(Attempt::Published(Method::Link))
            }
            Err(os) => Err(os),
        }
    }

    /// Gives an unnamed file a temporary name before it is synced, where the sync of the directory
    /// would not write the file's link to the disk.
    ///
    /// # Errors
    ///
    /// What `linkat` returned. A refused link is none: [`Self::publish_over`] and
    /// [`Self::publish_new`] report that.
    pub(crate) fn name_before_sync(&mut self) -> Result<(), Os> {
        if self.name.is_none() {
            let fd = self.fd()?;
            let stat = match self.created {
                Some(stat) => stat,
                None => sys::fstat(fd)?,
            };
            if !locality::syncs_links(fd, &stat) {
                self.take_name()?;
            }
        }
        Ok(())
    }

    /// Closes the file, and gives an unnamed one a name to be renamed from. Returns false if the link is
    /// refused.
    fn prepare_rename(&mut self) -> Result<bool, Os> {
        let was_named = self.name.is_some();
        if !was_named && !self.take_name()? {
            return Ok(false);
        }
        if was_named || !self.stays_open {
            self.close()?;
        }
        Ok(true)
    }

    /// Gives an unnamed file its final name.
    fn link_unnamed(&self, name: &[u8]) -> Result<Attempt, Os> {
        let result = sys::link_fd(self.fd()?, self.dir.as_fd(), name);
        Ok(match self.unless_refused(result)? {
            Some(()) => Attempt::Published(Method::Link),
            None => Attempt::NeedsNamedCopy,
        })
    }

    /// Gives an unnamed file a temporary name. Returns false if the link is refused.
    fn take_name(&mut self) -> Result<bool, Os> {
        let (fd, dir) = (self.fd()?, self.dir.as_fd());
        let result = with_random_name(SUFFIX, |name| sys::link_fd(fd, dir, name));
        self.name = self.unless_refused(result)?.map(|(name, ())| name);
        Ok(self.name.is_some())
    }

    /// Returns the result of a link, or `None` if it was refused. Then determines whether the file
    /// or its directory caused that, and remembers the directory.
    fn unless_refused<T>(&self, result: Result<T, Os>) -> Result<Option<T>, Os> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(os) if is_refused_link(os) => {
                probe_link(self.dir.as_fd());
                Ok(None)
            }
            Err(os) => Err(os),
        }
    }
}
