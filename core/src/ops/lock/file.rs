//! A lock file: its rules, and the comparison of descriptor and name.

use crate::error::{Code, Error, Os, Refusal};
use crate::make_dirs;
use crate::metadata;
use crate::ops::write::apply_metadata::{first_mode, make_exact};
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::{Purpose, Temporary};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Tries before a lock file that keeps being replaced is an error.
const TRIES: u32 = 16;

/// First line of a lock file. A file without it was not made by us: another user of the directory may have
/// given the name to a file of this user.
const HEADER: &[u8] = b"holdfast lock\n";

/// Bytes of the text about the holder, behind the header, at most.
const TEXT: usize = 256;

/// Decides whether a missing lock file may be created.
pub(crate) type MayCreate<'a> = &'a dyn Fn() -> Result<(), Error>;

/// A lock file that is held open.
#[derive(Debug)]
pub(crate) struct LockFile {
    fd: OwnedFd,
    dir: Arc<OwnedFd>,
    name: Vec<u8>,
    identity: (u64, u64),
    is_shared: bool,
    mode: u32,
    /// The text of a holder that was killed is behind the header.
    has_old_text: bool,
}

impl LockFile {
    /// Opens a lock file, and creates it where it is missing.
    pub(crate) fn open(
        dir: Arc<OwnedFd>,
        name: Vec<u8>,
        is_shared: bool,
        mode: u32,
        may_create: MayCreate<'_>,
    ) -> Result<Self, Error> {
        let (fd, stat) = open_or_create(&dir, &name, is_shared, mode, may_create)?;
        Ok(Self {
            fd,
            dir,
            name,
            identity: (stat.dev, stat.ino),
            is_shared,
            mode,
            has_old_text: false,
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
            if let Some(stat) = self.named()?.filter(|stat| stat.nlink == 1) {
                self.has_old_text = stat.size > HEADER.len() as u64;
                return Ok(is_locked);
            }
            if is_locked {
                self.unlock()?;
            }
            let (fd, stat) =
                open_or_create(&self.dir, &self.name, self.is_shared, self.mode, &|| Ok(()))?;
            self.fd = fd;
            self.identity = (stat.dev, stat.ino);
        }
        Err(Error::refused(Code::PathMismatch, "lock"))
    }

    /// Returns whether the name still leads to this file. Another name, such as that of a backup, takes
    /// nothing from a lock that is held: whoever opens this name finds the file locked.
    pub(crate) fn has_its_name(&self) -> Result<bool, Os> {
        Ok(self.named()?.is_some())
    }

    /// Returns the stat of the file; `None` where the name no longer leads to it.
    fn named(&self) -> Result<Option<Stat>, Os> {
        match sys::fstatat(self.dir.as_fd(), &self.name) {
            Ok(stat) => Ok(((stat.dev, stat.ino) == self.identity).then_some(stat)),
            Err(os) if os.errno == sys::ENOENT => Ok(None),
            Err(os) => Err(os),
        }
    }

    /// Writes a text about the holder behind the header. Returns whether it did. Nothing is decided by the
    /// text, so that failures are ignored. The caller has the lock, exclusively.
    pub(crate) fn write_text(&self, text: &[u8]) -> bool {
        if !has_header(self.fd()) {
            return false;
        }
        let mut line = text[..text.len().min(TEXT - 1)].to_vec();
        line.push(b'\n');
        sys::write_at(self.fd(), &line, HEADER.len() as u64).is_ok()
    }

    /// Removes the text about the holder, which the caller wrote under the lock that it has. A file that
    /// another program emptied since gets its header again, and one that it wrote stays as it is.
    pub(crate) fn clear_text(&self) {
        if has_header(self.fd()) {
            let _ = sys::truncate(self.fd(), HEADER.len() as u64);
        } else if sys::fstat(self.fd()).is_ok_and(|stat| stat.size == 0) {
            let _ = sys::write_at(self.fd(), HEADER, 0);
        }
    }

    /// Removes the text of a holder that was killed. The caller has the lock, perhaps a shared one, whose
    /// descriptor is for reading alone.
    pub(crate) fn clear_old_text(&self) {
        if !self.has_old_text || !has_header(self.fd()) {
            return;
        }
        if !self.is_shared {
            self.clear_text();
        } else if let Ok(fd) = open_existing(self.dir.as_fd(), &self.name, false)
            && sys::fstat(fd.as_fd()).is_ok_and(|stat| (stat.dev, stat.ino) == self.identity)
        {
            let _ = sys::truncate(fd.as_fd(), HEADER.len() as u64);
        }
    }

    /// Returns the text about the holder; empty where there is none.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut content = [0; HEADER.len() + TEXT];
        let count = sys::read_at(self.fd(), &mut content, 0).unwrap_or(0);
        content[..count]
            .strip_prefix(HEADER)
            .map_or_else(Vec::new, |text| text.trim_ascii().to_vec())
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

fn open_or_create(
    directory: &Arc<OwnedFd>,
    name: &[u8],
    is_shared: bool,
    mode: u32,
    may_create: MayCreate<'_>,
) -> Result<(OwnedFd, Stat), Error> {
    let dir = directory.as_fd();
    for _ in 0..TRIES {
        match open_existing(dir, name, is_shared) {
            Ok(fd) => {
                let stat = sys::fstat(fd.as_fd())?;
                check(dir, &stat, mode)?;
                give_to_owner(dir, fd.as_fd(), &stat, || has_header(fd.as_fd()));
                return Ok((fd, stat));
            }
            Err(os) if os.errno == sys::ELOOP => {
                return Err(Error::refused_by(Code::Symlink, "lock", os));
            }
            // A FIFO without a reader or a socket; a directory.
            Err(os) if matches!(os.errno, sys::ENXIO | sys::EISDIR) => {
                return Err(Error::refused_by(Code::NotFile, "lock", os));
            }
            Err(os) if os.errno == sys::EACCES => return Err(refused_access(dir, name, os)),
            Err(os) if os.errno != sys::ENOENT => return Err(os.into()),
            Err(_) => {}
        }
        may_create()?;
        match create_complete(directory, name, mode) {
            Ok(Some(created)) => return Ok(created),
            // Another process created it first.
            Err(os) if os.errno == sys::EEXIST => continue,
            // The creation under its name reports the error.
            Ok(None) | Err(_) => {}
        }
        match sys::create_at(dir, name, first_mode(mode)) {
            Ok(fd) => {
                let stat = prepare(dir, fd.as_fd(), mode)?;
                return Ok((fd, stat));
            }
            Err(os) if os.errno == sys::EEXIST => {}
            Err(os) => return Err(make_dirs::classify_creation(dir, os)),
        }
    }
    Err(Error::refused(Code::PathMismatch, "lock"))
}

/// Returns the error for a lock file that may not be opened: it belongs to another user, this user may not
/// search the directory, or it is a device on a mount with `nodev`.
fn refused_access(dir: BorrowedFd<'_>, name: &[u8], os: Os) -> Error {
    match sys::fstatat(dir, name) {
        Ok(stat) if !stat.is_file() => Error::refused_by(Code::NotFile, "lock", os),
        Ok(stat) if !metadata::is_own(stat.uid) => Refusal {
            os: Some(os),
            ..not_owned(&stat, "lock-denied")
        }
        .into(),
        _ => os.into(),
    }
}

fn not_owned(stat: &Stat, detail: &'static str) -> Refusal {
    Refusal {
        uid: Some(stat.uid),
        euid: metadata::effective_user(),
        ..Refusal::new(Code::NotOwned, detail)
    }
}

/// Creates a lock file that has owner, mode and header before it has its name: one that a killed process
/// left without them could lock others out for good. `None` where the file system cannot do so.
fn create_complete(
    dir: &Arc<OwnedFd>,
    name: &[u8],
    mode: u32,
) -> Result<Option<(OwnedFd, Stat)>, Os> {
    for purpose in [Purpose::New, Purpose::Named] {
        let temporary = Temporary::create(Arc::clone(dir), first_mode(mode), purpose)?;
        let stat = prepare(dir.as_fd(), temporary.fd()?, mode)?;
        let was_named = temporary.name().is_some();
        if let Some(fd) = temporary.publish_open(name)? {
            return Ok(Some((fd, stat)));
        }
        if was_named {
            break;
        }
    }
    Ok(None)
}

/// Gives a new lock file its owner, group, mode and header.
fn prepare(dir: BorrowedFd<'_>, fd: BorrowedFd<'_>, mode: u32) -> Result<Stat, Os> {
    const GROUP: u32 = 0o060;

    let stat = sys::fstat(fd)?;
    if sys::HAS_MODES
        && mode & GROUP != 0
        && let Ok(directory) = sys::fstat(dir)
        && directory.gid != stat.gid
    {
        // It is shared by the group of the directory. Only a member may give it to that group.
        let _ = sys::change_owner(fd, None, Some(directory.gid));
    }
    make_exact(fd, &stat, mode)?;
    // Where the disk is full, the file locks all the same.
    let _ = sys::write_at(fd, HEADER, 0);
    give_to_owner(dir, fd, &stat, || true);
    Ok(stat)
}

/// Returns whether a file begins as our lock files do.
fn has_header(fd: BorrowedFd<'_>) -> bool {
    let mut start = [0; HEADER.len()];
    sys::read_at(fd, &mut start, 0).is_ok_and(|count| start[..count] == *HEADER)
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
    Err(not_owned(stat, "lock").into())
}

/// Gives a lock file of root's to the directory's owner, whom it would lock out otherwise. A failure
/// (no such id in this user namespace, a network file system) leaves it as it is.
///
/// `is_ours`: the owner of the directory may have given the name to another file of root's, which is not
/// given away.
fn give_to_owner(
    dir: BorrowedFd<'_>,
    fd: BorrowedFd<'_>,
    stat: &Stat,
    is_ours: impl FnOnce() -> bool,
) {
    if !sys::HAS_MODES || sys::effective_user() != 0 || stat.uid != 0 {
        return;
    }
    if let Ok(directory) = sys::fstat(dir)
        && directory.uid != 0
        && is_ours()
    {
        let _ = sys::change_owner(fd, Some(directory.uid), Some(directory.gid));
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
