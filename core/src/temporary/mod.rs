//! A temporary file in the directory of its target, until it is published or dropped.
//!
//! Without a name where that costs nothing: a process that is killed then leaves nothing behind.
//! A new file gets its one name by `linkat`. One that replaces another still needs a name for
//! `rename`, since `linkat` never replaces; it gets that in the last moment. Elsewhere the temporary
//! has a random name from the start.

mod lock;
mod name;
mod unnamed;

use crate::error::Os;
use crate::metadata::mounts;
use crate::sys::{self, AsFd, BorrowedFd, Locality, OFlag, OwnedFd, Stat};
use std::sync::Arc;

use lock::NameLock;
pub(crate) use lock::{is_name_locked, readable};
pub(crate) use name::{RECOVERY_SUFFIX, is_name_of_one};
use name::{SUFFIX, with_random_name};
pub(crate) use unnamed::is_refused_link;
use unnamed::{create_unnamed, learn_refusal};

/// How a file got its final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `rename(2)`.
    Rename,
    /// `link(2)`: of a file that had no name, or where a rename cannot be told not to replace.
    Link,
    /// It did not: the content of the file that had the name was written over.
    InPlace,
}

/// What a temporary is for: whether it is made without a name follows from that and from the file
/// system.
///
/// Measured on ext4, xfs, btrfs and tmpfs: for a new file the unnamed one is never slower. For a
/// replacement that is synced it costs nothing beside the sync; one that is not synced takes a
/// tenth longer, and several times as long on ext4, which then writes back at the rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Nothing has the final name.
    New,
    /// A file on this mount is replaced, by one that is synced or not.
    Replacement { mount: Option<u64>, is_synced: bool },
    /// Content that comes in pieces: it takes its time, and much can happen meanwhile.
    Stream,
    /// It has a name in any case: others write it by that, or it was refused one later on.
    Named,
}

impl Purpose {
    fn wants_no_name(self) -> bool {
        match self {
            Self::New | Self::Stream => true,
            Self::Replacement {
                mount,
                is_synced: true,
            } => mount.and_then(mounts::known) != Some(Locality::Memory),
            Self::Replacement { .. } | Self::Named => false,
        }
    }
}

/// A new file that nobody can guess the name of. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Temporary {
    dir: Arc<OwnedFd>,
    name: Option<Vec<u8>>,
    fd: Option<OwnedFd>,
    /// What it was when it was made, if that is known.
    stat: Option<Stat>,
    /// A second descriptor of the open file, which stays open after [`Self::close`], or why there
    /// is none.
    kept: Option<Result<OwnedFd, Os>>,
    stays_open: bool,
    /// Whatever has the name is removed with it, as others may rename files onto it.
    is_shared: bool,
    /// Dropped after the name is removed.
    _lock: Option<NameLock>,
}

impl Temporary {
    /// Creates one with a mode that the umask may narrow.
    pub(crate) fn create(dir: Arc<OwnedFd>, mode: u32, purpose: Purpose) -> Result<Self, Os> {
        let unnamed = purpose
            .wants_no_name()
            .then(|| create_unnamed(dir.as_fd(), mode))
            .flatten();
        match unnamed {
            Some((fd, stat)) => {
                let mut created = Self::new(dir, None, fd);
                created.stat = Some(stat);
                Ok(created)
            }
            None => Self::create_named(dir, mode, SUFFIX),
        }
    }

    /// Creates one with a name from the start.
    ///
    /// 128 random bits do not collide; a name that exists all the same was put there, and the
    /// bound keeps that from holding us.
    pub(crate) fn create_named(dir: Arc<OwnedFd>, mode: u32, suffix: &[u8]) -> Result<Self, Os> {
        let (name, fd) = with_random_name(suffix, |name| sys::create_at(dir.as_fd(), name, mode))?;
        Ok(Self::new(dir, Some(name), fd))
    }

    /// Creates one that takes its time. [`crate::ops::clean`] leaves it alone until it is dropped, and
    /// its file stays open until then.
    pub(crate) fn create_locked(
        dir: Arc<OwnedFd>,
        mode: u32,
        purpose: Purpose,
    ) -> Result<Self, Os> {
        let unnamed = purpose
            .wants_no_name()
            .then(|| create_unnamed(dir.as_fd(), mode))
            .flatten();
        let mut created = match unnamed {
            Some((fd, stat)) => {
                // For the moment in which it has a name to be renamed from.
                let _ = sys::try_lock(fd.as_fd());
                let mut created = Self::new(dir, None, fd);
                created.stat = Some(stat);
                created
            }
            None => Self::create_named_locked(dir, mode)?,
        };
        created.stay_open();
        Ok(created)
    }

    /// The name is locked before the file exists. Where names cannot be locked, the file is locked
    /// afterwards, and made again if it was removed in between.
    fn create_named_locked(dir: Arc<OwnedFd>, mode: u32) -> Result<Self, Os> {
        const TRIES: u32 = 16;
        let mut tries = 1;
        loop {
            let mut lock = None;
            let (name, fd) = with_random_name(SUFFIX, |name| {
                lock = NameLock::take(&dir, name);
                sys::create_at(dir.as_fd(), name, mode)
            })?;
            let is_judged = matches!(sys::try_lock(fd.as_fd()), Ok(false));
            let is_safe = lock.is_some()
                || tries == TRIES
                || (!is_judged && sys::fstat(fd.as_fd())?.nlink > 0);
            let mut created = Self::new(Arc::clone(&dir), Some(name), fd);
            created._lock = lock;
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
            kept: None,
            stays_open: false,
            is_shared: false,
            _lock: None,
        }
    }

    /// Has [`Self::close`] keep a second descriptor, for the file's identity, content and lock.
    pub(crate) fn stay_open(&mut self) {
        self.stays_open = true;
    }

    /// Says that others may rename files onto its name.
    pub(crate) fn share(&mut self) {
        self.is_shared = true;
    }

    /// Its own name, while it has one.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// The open file. After [`Self::close`] there is none, and EBADF is what would be answered.
    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>, Os> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Os {
            errno: sys::EBADF,
            syscall: "write",
        })
    }

    /// The file, also after [`Self::close`] where it stays open.
    pub(crate) fn held(&self) -> Option<BorrowedFd<'_>> {
        let kept = self.kept.as_ref().and_then(|kept| kept.as_ref().ok());
        self.fd.as_ref().or(kept).map(AsFd::as_fd)
    }

    /// The same, or why it is not open.
    pub(crate) fn content(&self) -> Result<BorrowedFd<'_>, Os> {
        match (self.held(), &self.kept) {
            (Some(fd), _) => Ok(fd),
            (None, Some(Err(os))) => Err(*os),
            (None, _) => self.fd(),
        }
    }

    /// Opens the file by its name after [`Self::close`]. False if the name has another file.
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

    /// Whether its name, if it has one, is that of this file.
    pub(crate) fn has_own_name(&self, file: &Stat) -> Result<bool, Os> {
        match &self.name {
            Some(name) => Ok(sys::fstatat(self.dir.as_fd(), name)?.is_same_object(file)),
            None => Ok(true),
        }
    }

    /// What it is, when nothing has been done to it yet.
    pub(crate) fn first_status(&mut self) -> Result<Stat, Os> {
        match self.stat.take() {
            Some(stat) => Ok(stat),
            None => sys::fstat(self.fd()?),
        }
    }

    /// Another descriptor is the one to work with from now on: of the file that has the name now.
    pub(crate) fn replace_fd(&mut self, fd: OwnedFd) {
        self.fd = Some(fd);
    }

    /// Closes the file before it is published. NFS, FUSE and quotas report here what they could
    /// not write.
    ///
    /// One without a name has to stay open, as there is no other way to it. It lies on a file
    /// system that has nothing to say at close.
    pub(crate) fn close_if_named(&mut self) -> Result<(), Os> {
        if self.name.is_some() {
            self.close()
        } else {
            Ok(())
        }
    }

    /// Closes the file. Where it stays open, another descriptor keeps it so: each close reports
    /// what could not be written.
    pub(crate) fn close(&mut self) -> Result<(), Os> {
        let Some(fd) = self.fd.take() else {
            return Ok(());
        };
        if self.stays_open {
            // Without a second descriptor, content that has arrived is published all the same.
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

    /// Gives it its final name, over whatever has that name. Where nothing seems to, a file without
    /// a name is linked; EEXIST then says that something has come there since.
    pub(crate) fn publish_over(&mut self, name: &[u8], seems_free: bool) -> Result<Method, Os> {
        if self.name.is_some() {
            self.close()?;
        } else {
            if seems_free {
                return match sys::link_fd(self.fd()?, self.dir.as_fd(), name) {
                    Ok(()) => Ok(Method::Link),
                    Err(os) => Err(self.noted(os)),
                };
            }
            self.take_name()?;
            if !self.stays_open {
                self.close()?;
            }
        }
        let own = self.name.as_deref().unwrap_or_default();
        sys::rename_at(self.dir.as_fd(), own, name)?;
        self.name = None;
        Ok(Method::Rename)
    }

    /// Gives it its final name, if nothing has that name; of several who try, one succeeds.
    pub(crate) fn publish_new(&mut self, name: &[u8]) -> Result<Method, Os> {
        let Some(own) = &self.name else {
            return match sys::link_fd(self.fd()?, self.dir.as_fd(), name) {
                Ok(()) => Ok(Method::Link),
                Err(os) => Err(self.noted(os)),
            };
        };
        match sys::rename_new(self.dir.as_fd(), own, name) {
            Ok(()) => {
                self.name = None;
                Ok(Method::Rename)
            }
            Err(os) if cannot_rename_new(os) => {
                sys::link_at(self.dir.as_fd(), own, name)?;
                Ok(Method::Link)
            }
            Err(os) => Err(os),
        }
    }

    /// Gives it a name of its own.
    fn take_name(&mut self) -> Result<(), Os> {
        let (fd, dir) = (self.fd()?, self.dir.as_fd());
        match with_random_name(SUFFIX, |name| sys::link_fd(fd, dir, name)) {
            Ok((name, ())) => {
                self.name = Some(name);
                Ok(())
            }
            Err(os) => Err(self.noted(os)),
        }
    }

    /// Finds out whether a refused link was this file's own failure or that of its directory.
    fn noted(&self, os: Os) -> Os {
        if is_refused_link(os) {
            learn_refusal(self.dir.as_fd());
        }
        os
    }

    /// Leaves the file to whoever finds it, and returns its name. Where its name was exchanged, it
    /// gets another one with this suffix, if that can be.
    pub(crate) fn keep(mut self, suffix: &[u8]) -> Option<Vec<u8>> {
        let name = self.name.take()?;
        let fd = self.held()?;
        let own = sys::fstatat(self.dir.as_fd(), &name).ok();
        if own.is_some_and(|own| sys::fstat(fd).is_ok_and(|stat| stat.is_same_object(&own))) {
            return Some(name);
        }
        let again = |name: &[u8]| sys::link_fd(fd, self.dir.as_fd(), name);
        with_random_name(suffix, again).ok().map(|(name, ())| name)
    }

    /// Whether the name may be removed: it is not, where another file was put there.
    fn may_remove(&self, name: &[u8]) -> bool {
        let Some(fd) = self.held().filter(|_| !self.is_shared) else {
            return true;
        };
        match (sys::fstat(fd), sys::fstatat(self.dir.as_fd(), name)) {
            (Ok(own), Ok(seen)) => own.is_same_object(&seen),
            _ => true,
        }
    }
}

impl Drop for Temporary {
    /// Removes the name. Nothing can be done about a failure: the file then stays as a stray of
    /// ours, which its name tells.
    fn drop(&mut self) {
        if let Some(name) = self.name.as_ref().filter(|name| self.may_remove(name)) {
            let _ = sys::unlink_at(self.dir.as_fd(), name);
        }
    }
}

/// Whether `renameat2(RENAME_NOREPLACE)` is missing: the kernel is older than 3.15, the file system
/// does not support it, or a filter refuses every such call.
fn cannot_rename_new(os: Os) -> bool {
    match os.errno {
        sys::EINVAL | sys::ENOSYS | sys::ENOTSUP => true,
        sys::EPERM | sys::EACCES => !sys::rename_new_works(),
        _ => false,
    }
}
