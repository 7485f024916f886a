//! Entries of directories in the form that crosses to JavaScript, and what [`list`](super::list) and
//! [`walk`](super::walk) share.

use super::stat::{classify_stat, final_link};
use crate::error::{Code, Error, Os};
use crate::resolve::{Found, Last, Located, Scope};
use crate::sys::{self, AsFd, BorrowedFd, Directory, OFlag, Stat};

/// The name of the system call in errors of `node:fs`.
pub(super) const SCANDIR: &str = "scandir";

/// Flags to open a directory and read its entries. A symlink is not followed.
pub(crate) fn read_flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW
}

/// Entries, in the order in which they are reported.
#[derive(Debug, Default)]
pub struct Entries {
    /// The names, each ended by a NUL.
    pub names: Vec<u8>,
    /// One byte an entry: the type bits of the mode, shifted by twelve. [`walk`](super::walk) puts
    /// [`ENTER`](super::walk::ENTER) and [`LEAVE`](super::walk::LEAVE) in between.
    pub kinds: Vec<u8>,
    /// The stat of each entry, if that was requested. The default stands for one that failed.
    pub stats: Vec<Stat>,
    /// Of names that are not UTF-8: number of the entry, offset in `names`, length.
    pub raw: Vec<[u32; 3]>,
    /// Number of entries.
    pub count: u32,
}

impl Entries {
    /// Adds an entry.
    pub(super) fn push(&mut self, name: &[u8], kind: u32, stat: Option<Stat>) {
        if !name.is_ascii() && str::from_utf8(name).is_err() {
            let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            self.raw
                .push([self.count, small(self.names.len()), small(name.len())]);
        }
        self.names.extend_from_slice(name);
        self.names.push(0);
        self.kinds.push((kind >> 12).to_le_bytes()[0]);
        self.stats.extend(stat);
        self.count += 1;
    }
}

/// Opens a directory for reading. The final symlink is followed as the policy says.
///
/// # Errors
///
/// [`Code::NotDirectory`], [`Code::NotFound`], [`Code::Symlink`], [`Code::OutsideWorkspace`];
/// otherwise what the system returned.
pub(crate) fn open(scope: &Scope<'_>, located: &Located<'_>) -> Result<Directory, Error> {
    let last = final_link(scope);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let found = open_directory(SCANDIR, scope, located, flags, last)?;
    Ok(Directory::of(found.fd)?)
}

/// Refuses a directory that was removed. It is open still, and has no entries.
///
/// # Errors
///
/// [`Code::NotFound`].
pub(crate) fn refuse_removed(directory: &Directory) -> Result<(), Error> {
    let stat = sys::fstat(directory.as_fd())?;
    if stat.nlink == 0 && sys::is_removed_directory(directory.as_fd()) {
        let os = Os {
            errno: sys::ENOENT,
            syscall: SCANDIR,
        };
        return Err(Error::refused_by(Code::NotFound, "removed", os));
    }
    Ok(())
}

/// Number of opens of a name that has a directory and another object in turn.
const MAX_OPENS: u32 = 64;

/// Opens a directory, and finds the cause of ENOTDIR: a file, a symlink, or a path beneath a file.
/// One stat decides. Where it finds a directory, another object had the name for a moment, and the
/// directory is opened again.
///
/// # Errors
///
/// Those of [`open`]; [`Code::PathMismatch`] when the name kept changing.
pub(super) fn open_directory(
    syscall: &'static str,
    scope: &Scope<'_>,
    located: &Located<'_>,
    flags: OFlag,
    last: Last,
) -> Result<Found, Error> {
    for _ in 0..MAX_OPENS {
        let error = match scope.open(&located.text, flags, last) {
            Err(error) if error.errno() == Some(sys::ENOTDIR) => error,
            result => return result.map_err(|error| classify_stat(syscall, error)),
        };
        match scope.inspect(&located.text, last) {
            // Whatever has the name by now, this is the directory it led to.
            Ok((stat, Some(found))) if stat.is_directory() => {
                let fd = sys::open_at(found.fd.as_fd(), b".", flags)
                    .map_err(|os| classify_stat(syscall, os.into()))?;
                return Ok(Found { fd, ..found });
            }
            Ok((stat, _)) if stat.is_directory() => {}
            Ok((stat, _)) if stat.is_symlink() => {
                return Err(Error::refused(Code::Symlink, "link"));
            }
            Ok((stat, _)) => {
                let os = Os {
                    errno: sys::ENOTDIR,
                    syscall,
                };
                return Err(Error::refused_by(Code::NotDirectory, stat.kind_word(), os));
            }
            Err(_) => return Err(classify_stat(syscall, error)),
        }
    }
    Err(Error::refused(Code::PathMismatch, "retries"))
}

/// Returns kind and stat of an entry: from the record where it tells the kind and no stat is
/// requested, otherwise by `fstatat` on the directory. `None` for an entry that is gone.
pub(super) fn look_up(
    dir: BorrowedFd<'_>,
    name: &[u8],
    kind: Option<u32>,
    wants_stat: bool,
) -> Result<Option<(u32, Option<Stat>)>, Os> {
    let found = match kind {
        Some(kind) if !wants_stat => return Ok(Some((kind, None))),
        _ if wants_stat => sys::statx_at(dir, name),
        _ => sys::fstatat(dir, name),
    };
    match found {
        Ok(stat) => Ok(Some((stat.kind(), wants_stat.then_some(stat)))),
        Err(os) if os.errno == sys::ENOENT => Ok(None),
        Err(os) => Err(os),
    }
}

/// Adds the entry of a directory, unless it is gone.
pub(super) fn push_found(
    entries: &mut Entries,
    directory: &Directory,
    name: &[u8],
    kind: Option<u32>,
    wants_stat: bool,
) -> Result<(), Os> {
    if let Some((kind, stat)) = look_up(directory.as_fd(), name, kind, wants_stat)? {
        entries.push(name, kind, stat);
    }
    Ok(())
}
