//! A temporary file in the directory of its target, until it is published or dropped.
//!
//! Without a name where that costs nothing: a process that is killed then leaves nothing behind.
//! A new file gets its one name by `linkat`. One that replaces another still needs a name for
//! `rename`, since `linkat` never replaces; it gets that in the last moment. Elsewhere the temporary
//! has a random name from the start.

mod name;

use crate::error::Os;
use crate::mounts;
use crate::sys::{self, AsFd, BorrowedFd, Distance, OwnedFd, Stat};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) use name::{RECOVERY_SUFFIX, is_name_of_one};
use name::{SUFFIX, with_random_name};

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
            } => mount.and_then(mounts::known) != Some(Distance::Memory),
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
}

impl Temporary {
    /// Creates one with a mode that the umask may narrow.
    pub(crate) fn create(dir: Arc<OwnedFd>, mode: u32, purpose: Purpose) -> Result<Self, Os> {
        let unnamed = purpose
            .wants_no_name()
            .then(|| create_unnamed(dir.as_fd(), mode))
            .flatten();
        match unnamed {
            Some((fd, stat)) => Ok(Self {
                dir,
                name: None,
                fd: Some(fd),
                stat: Some(stat),
            }),
            None => Self::create_named(dir, mode, SUFFIX),
        }
    }

    /// Creates one with a name from the start.
    ///
    /// 128 random bits do not collide; a name that exists all the same was put there, and the
    /// bound keeps that from holding us.
    pub(crate) fn create_named(dir: Arc<OwnedFd>, mode: u32, suffix: &[u8]) -> Result<Self, Os> {
        let (name, fd) = with_random_name(suffix, |name| sys::create_at(dir.as_fd(), name, mode))?;
        Ok(Self {
            dir,
            name: Some(name),
            fd: Some(fd),
            stat: None,
        })
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

    /// What it is, when nothing has been done to it yet.
    pub(crate) fn first_status(&mut self) -> Result<Stat, Os> {
        match self.stat.take() {
            Some(stat) => Ok(stat),
            None => sys::status(self.fd()?),
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

    /// Closes the file.
    pub(crate) fn close(&mut self) -> Result<(), Os> {
        self.fd.take().map_or(Ok(()), sys::close)
    }

    /// Gives it its final name, over whatever has that name. Where nothing seems to, that is tried
    /// first.
    pub(crate) fn publish_over(&mut self, name: &[u8], seems_free: bool) -> Result<Method, Os> {
        if self.name.is_none() {
            if seems_free {
                match sys::link_held(self.fd()?, self.dir.as_fd(), name) {
                    Ok(()) => return Ok(Method::Link),
                    Err(os) if os.errno == sys::EEXIST => {}
                    Err(os) => return Err(self.noted(os)),
                }
            }
            self.take_name()?;
        }
        self.close()?;
        let own = self.name.as_deref().unwrap_or_default();
        sys::rename_at(self.dir.as_fd(), own, name)?;
        self.name = None;
        Ok(Method::Rename)
    }

    /// Gives it its final name, if nothing has that name; of several who try, one succeeds.
    pub(crate) fn publish_new(&mut self, name: &[u8]) -> Result<Method, Os> {
        let Some(own) = &self.name else {
            return match sys::link_held(self.fd()?, self.dir.as_fd(), name) {
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
        match with_random_name(SUFFIX, |name| sys::link_held(fd, dir, name)) {
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

    /// Leaves the name to whoever finds it.
    pub(crate) fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Temporary {
    /// Removes the name. Nothing can be done about a failure: the file then stays as a stray of
    /// ours, which its name tells.
    fn drop(&mut self) {
        if let Some(name) = &self.name {
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

/// Whether a file without a name was refused one although nothing is in its way: by a security
/// module, a filter, or a file system. With a name from the start it can be published.
pub(crate) fn is_refused_link(os: Os) -> bool {
    os.syscall == "link"
        && matches!(
            os.errno,
            sys::EPERM | sys::EACCES | sys::ENOSYS | sys::ENOTSUP | sys::EXDEV | sys::EINVAL
        )
}

/// Where temporaries have names from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedOnly {
    /// On a mount whose file system may report lost content at `close`.
    Mount(u64),
    /// In a directory, by device and inode, in which an unnamed file of our own got no name.
    Directory(u64, u64),
}

static NAMED_ONLY: RwLock<Vec<NamedOnly>> = RwLock::new(Vec::new());
/// Whether [`NAMED_ONLY`] has an entry. Without one no call is made to look for it.
static ANY_NAMED_ONLY: AtomicBool = AtomicBool::new(false);
const MOST_NAMED_ONLY: usize = 128;

fn give_names(place: NamedOnly) {
    let mut places = NAMED_ONLY.write().unwrap_or_else(PoisonError::into_inner);
    if !places.contains(&place) {
        if places.len() >= MOST_NAMED_ONLY {
            places.remove(0);
        }
        places.push(place);
    }
    ANY_NAMED_ONLY.store(true, Ordering::Relaxed);
}

fn needs_names(dir: BorrowedFd<'_>) -> bool {
    if !ANY_NAMED_ONLY.load(Ordering::Relaxed) {
        return false;
    }
    let Ok(stat) = sys::stat(dir) else {
        return false;
    };
    let places = NAMED_ONLY.read().unwrap_or_else(PoisonError::into_inner);
    places.iter().any(|place| match *place {
        NamedOnly::Mount(mount) => stat.mount == Some(mount),
        NamedOnly::Directory(dev, ino) => (stat.dev, stat.ino) == (dev, ino),
    })
}

/// Remembers a directory in which no unnamed file gets a name: an empty file of our own is refused
/// one, too.
///
/// The file that was refused one proves nothing: `fs.protected_hardlinks` refuses a file that was
/// given to another owner, in every directory.
fn learn_refusal(dir: BorrowedFd<'_>) {
    let Ok(probe) = sys::create_unnamed(dir, 0o600) else {
        return;
    };
    match with_random_name(SUFFIX, |name| sys::link_held(probe.as_fd(), dir, name)) {
        Ok((name, ())) => {
            let _ = sys::unlink_at(dir, &name);
        }
        Err(os) if is_refused_link(os) => {
            if let Ok(stat) = sys::status(dir) {
                give_names(NamedOnly::Directory(stat.dev, stat.ino));
            }
        }
        Err(_) => {}
    }
}

/// A file without a name, on a file system of this machine's own; `None` where there is no such
/// thing, or no way to it, whatever the reason: a named one then has the answer.
fn create_unnamed(dir: BorrowedFd<'_>, mode: u32) -> Option<(OwnedFd, Stat)> {
    if !sys::link_held_works() || needs_names(dir) {
        return None;
    }
    let fd = sys::create_unnamed(dir, mode).ok()?;
    let stat = sys::stat(fd.as_fd()).ok()?;
    // Elsewhere a close may fail, which has to be known before the file is published.
    if mounts::distance_of(fd.as_fd(), &stat)? == Distance::Unknown {
        if let Some(mount) = stat.mount {
            give_names(NamedOnly::Mount(mount));
        }
        return None;
    }
    Some((fd, stat))
}
