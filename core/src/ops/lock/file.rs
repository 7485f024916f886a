//! A lock file: its rules, and the comparison of descriptor and name.

use crate::error::{Code, Error, Os, Refusal};
use crate::make_dirs;
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Tries before a lock file that keeps being replaced is an error.
const TRIES: u32 = 16;

/// A lock file that is held open.
#[derive(Debug)]
pub(crate) struct LockFile {
    fd: OwnedFd,
    dir: Arc<OwnedFd>,
    name: Vec<u8>,
    identity: (u64, u64),
    is_shared: bool,
    mode: u32,
}

impl LockFile {
    /// Opens a lock file, and creates it where it is missing.
    pub(crate) fn open(
        dir: Arc<OwnedFd>,
        name: Vec<u8>,
        is_shared: bool,
        mode: u32,
    ) -> Result<Self, Error> {
        let (fd, stat) = open_or_create(dir.as_fd(), &name, is_shared, mode)?;
        Ok(Self {
            fd,
            dir,
            name,
            identity: (stat.dev, stat.ino),
            is_shared,
            mode,
        })
    }

    /// Takes the lock if it is free now. A file that no longer has its name is exchanged for the one
    /// that has it.
    pub(crate) fn try_lock(&mut self) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let is_locked = match sys::lock_file(self.fd.as_fd(), self.is_shared) {
                Ok(is_locked) => is_locked,
                Err(os) if has_no_locks(os) => {
                    return Err(Error::refused_by(Code::UnsupportedPlatform, "locks", os));
                }
                Err(os) => return Err(os.into()),
            };
            if self.has_its_name()? {
                return Ok(is_locked);
            }
            if is_locked {
                self.unlock()?;
            }
            let (fd, stat) =
                open_or_create(self.dir.as_fd(), &self.name, self.is_shared, self.mode)?;
            self.fd = fd;
            self.identity = (stat.dev, stat.ino);
        }
        Err(Error::refused(Code::PathMismatch, "lock"))
    }

    /// Returns whether the name still leads to this file, and no other name does.
    pub(crate) fn has_its_name(&self) -> Result<bool, Os> {
        match sys::fstatat(self.dir.as_fd(), &self.name) {
            Ok(stat) => Ok((stat.dev, stat.ino) == self.identity && stat.nlink == 1),
            Err(os) if os.errno == sys::ENOENT => Ok(false),
            Err(os) => Err(os),
        }
    }

    pub(crate) fn unlock(&self) -> Result<(), Os> {
        sys::unlock_file(self.fd.as_fd())
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }
}

/// Returns whether an errno means that the file system has no locks of this kind. EINVAL: a kernel
/// before 3.15.
pub(crate) fn has_no_locks(os: Os) -> bool {
    matches!(
        os.errno,
        sys::ENOLCK | sys::ENOTSUP | sys::ENOSYS | sys::EINVAL
    )
}

fn open_or_create(
    dir: BorrowedFd<'_>,
    name: &[u8],
    is_shared: bool,
    mode: u32,
) -> Result<(OwnedFd, Stat), Error> {
    for _ in 0..TRIES {
        match open_existing(dir, name, is_shared) {
            Ok(fd) => {
                let stat = sys::fstat(fd.as_fd())?;
                check(dir, &stat, mode)?;
                give_to_owner(dir, fd.as_fd(), &stat);
                return Ok((fd, stat));
            }
            Err(os) if os.errno == sys::ELOOP => {
                return Err(Error::refused_by(Code::Symlink, "lock", os));
            }
            // A FIFO without a reader or a socket; a directory.
            Err(os) if matches!(os.errno, sys::ENXIO | sys::EISDIR) => {
                return Err(Error::refused_by(Code::NotFile, "lock", os));
            }
            Err(os) if os.errno != sys::ENOENT => return Err(os.into()),
            Err(_) => {}
        }
        match sys::create_at(dir, name, mode) {
            Ok(fd) => {
                let stat = sys::fstat(fd.as_fd())?;
                if sys::HAS_MODES && stat.permissions() & 0o777 != mode {
                    // The umask took bits.
                    sys::change_mode(fd.as_fd(), mode)?;
                }
                give_to_owner(dir, fd.as_fd(), &stat);
                return Ok((fd, stat));
            }
            // Another process created it first.
            Err(os) if os.errno == sys::EEXIST => {}
            Err(os) => return Err(make_dirs::classify_creation(dir, os)),
        }
    }
    Err(Error::refused(Code::PathMismatch, "lock"))
}

/// Opens the lock file without following or waiting.
fn open_existing(dir: BorrowedFd<'_>, name: &[u8], is_shared: bool) -> Result<OwnedFd, Os> {
    /// Root has created the file and gives it to the directory's owner next: a few microseconds.
    const NAPS: u32 = 5;
    const NAP: Duration = Duration::from_millis(1);

    let access = if is_shared {
        OFlag::O_RDONLY
    } else {
        OFlag::O_RDWR
    };
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut naps = 0;
    loop {
        match sys::open_at(dir, name, flags) {
            Err(os) if os.errno == sys::DENIED && naps < NAPS => {
                naps += 1;
                thread::sleep(NAP);
            }
            result => return result,
        }
    }
}

/// Refuses a file that another user may have put there: whoever holds it locks everybody out.
fn check(dir: BorrowedFd<'_>, stat: &Stat, mode: u32) -> Result<(), Error> {
    /// Bits that let others than the owner lock.
    const SHARED: u32 = 0o066;
    const OTHERS_MAY_WRITE: u32 = 0o002;

    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, "lock"));
    }
    if stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, "lock"));
    }
    if metadata::is_own_or_root(stat.uid) {
        return Ok(());
    }
    let directory = sys::fstat(dir)?;
    let is_shared_by_group = mode & SHARED != 0 && directory.mode & OTHERS_MAY_WRITE == 0;
    if metadata::is_same_owner(&directory, stat) || is_shared_by_group {
        return Ok(());
    }
    Err(Refusal {
        uid: Some(stat.uid),
        euid: Some(sys::effective_user()),
        ..Refusal::new(Code::NotOwned, "lock")
    }
    .into())
}

/// Gives a lock file of root's to the directory's owner, whom it would lock out otherwise. A failure
/// (no such id in this user namespace, a network file system) leaves it as it is.
fn give_to_owner(dir: BorrowedFd<'_>, fd: BorrowedFd<'_>, stat: &Stat) {
    if !sys::HAS_MODES || sys::effective_user() != 0 || stat.uid != 0 {
        return;
    }
    if let Ok(directory) = sys::fstat(dir)
        && directory.uid != 0
    {
        let _ = sys::change_owner(fd, Some(directory.uid), Some(directory.gid));
    }
}
