//! Replacing a file atomically: the name shows the old content or the new, whole, at any instant.
//!
//! 1. `openat2` of the parent directory under the scope's policy ([`place`](mod@place)).
//! 2. A look at what has the name.
//! 3. A temporary file in that directory, by descriptor, without a name where that costs nothing.
//! 4. Owner, ACL and mode on its descriptor, before any content ([`settle`](mod@settle)).
//! 5. The content; `fsync` when durable; `close`, whose answer counts.
//! 6. `linkat` of a file without a name; `renameat` of one that has a name; or
//!    `renameat2(RENAME_NOREPLACE)` where nothing may be replaced.
//! 7. `fsync` of the directory when durable.
//!
//! A failure before 6 leaves the old file and no temporary. After 6 nothing is done by path.
//! A write that took long looks at its directory and its target again before 6 ([`prepared`](mod@prepared)).
//! What cannot be renamed over is written in place, if the caller says so ([`in_place`](mod@in_place)).

mod fsync_errors;
mod in_place;
mod many;
mod place;
mod placed;
mod prepared;
#[cfg(target_os = "linux")]
mod rehearsal;
mod settle;
mod stage;

pub use many::{Item, write_many};
#[cfg(target_os = "linux")]
pub use rehearsal::{Forecast, rehearse};
pub use stage::Stage;

use crate::error::{Code, Error, Os};
use crate::make_dirs;
use crate::resolve::Scope;
use crate::sys::{self, AsFd};
use crate::temporary::{Method, Purpose, Temporary};
use crate::write_target::WriteTarget;
use place::Place;
use prepared::{Prepared, Published};
use settle::Target;

/// Finds the file that a write would replace: its directory, and its name after final links. Waits
/// for file systems, and makes no directory.
///
/// # Errors
///
/// As [`write`].
pub fn find_target(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<WriteTarget, Error> {
    let rules = Rules {
        make_parents: None,
        durable: Durable::No,
        overwrite: true,
        ..*rules
    };
    let mut place = Place::find(scope, raw, &rules)?;
    place.look(scope, &rules)?;
    let (dev, ino) = place
        .identity()
        .ok_or_else(|| Error::refused(Code::NotFound, "directory"))?;
    Ok(WriteTarget::Known {
        dev,
        ino,
        name: Some(place.name().to_vec()),
    })
}

/// What is synced before success is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Nothing: the system writes back when it likes.
    No,
    /// The file.
    File,
    /// The file, and the directory that has its name.
    Full,
}

/// What a symlink under the target's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalSymlink {
    /// It is refused.
    Reject,
    /// The file takes its name; what it led to is not touched.
    Replace,
    /// The file it leads to is replaced, as far as the scope's policy goes.
    Follow,
}

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Exact permission bits, for a new file and an old one.
    pub mode: Option<u32>,
    /// Permission bits of a new file, where `mode` is not given.
    pub new_file_mode: u32,
    /// Whether anything may be replaced.
    pub overwrite: bool,
    /// What a symlink under the name means.
    pub final_symlink: FinalSymlink,
    /// What is synced.
    pub durable: Durable,
    /// The mode of missing parents, if they are to be made.
    pub make_parents: Option<u32>,
    /// Refuse a target that has other names, which would keep the old content.
    pub reject_hardlinks: bool,
    /// Write over the content of a target that cannot be renamed over.
    pub in_place: bool,
}

/// What could be carried over from the file that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preserved {
    /// Its permission bits.
    pub mode: bool,
    /// Its ACL; not asked for, and so not kept, where a mode is given.
    pub acl: bool,
    /// Its owner and group.
    pub owner: bool,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its real path; `None` when the path as given is the real one.
    pub real: Option<Vec<u8>>,
    /// No file had the name before.
    pub created: bool,
    /// Bytes written.
    pub size: u64,
    /// Permission bits, read back.
    pub mode: u32,
    /// Device of the file.
    pub dev: u64,
    /// Inode of the file.
    pub ino: u64,
    /// How it got its name.
    pub method: Method,
    /// What was synced: at most what was asked for.
    pub durable: Durable,
    /// What was kept of the file before; `None` when there was none.
    pub preserved: Option<Preserved>,
}

/// Asked once before publication: has the caller changed its mind?
pub type IsAborted<'a> = &'a dyn Fn() -> bool;

/// Writes a whole file.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`], [`Code::Hardlink`],
/// [`Code::NotFile`], [`Code::NotDirectory`], [`Code::NotFound`], [`Code::AlreadyExists`],
/// [`Code::NotDurable`], [`Code::Aborted`], [`Code::PathMismatch`]; otherwise what the system
/// answered.
pub fn write(
    scope: &Scope<'_>,
    raw: &[u8],
    data: &[u8],
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Written, Error> {
    Prepared::new(scope, raw, data, rules)?.finish(scope, is_aborted)
}

/// Makes the temporary, and says why where the open directory takes no new name.
fn create_temporary(place: &Place, mode: u32, purpose: Purpose) -> Result<Temporary, Error> {
    Temporary::create(place.directory(), mode, purpose)
        .map_err(|os| make_dirs::classify_creation(place.directory().as_fd(), os))
}

/// The same for one that takes its time, see [`Temporary::create_locked`].
fn create_locked_temporary(place: &Place, mode: u32, purpose: Purpose) -> Result<Temporary, Error> {
    Temporary::create_locked(place.directory(), mode, purpose)
        .map_err(|os| make_dirs::classify_creation(place.directory().as_fd(), os))
}

fn write_all(temporary: &Temporary, mut data: &[u8]) -> Result<(), Error> {
    let fd = temporary.fd()?;
    while !data.is_empty() {
        let count = sys::write(fd, data)?;
        if count == 0 {
            // No file system should; an endless loop must not be the answer if one does.
            return Err(Os {
                errno: sys::EIO,
                syscall: "write",
            }
            .into());
        }
        data = &data[count..];
    }
    Ok(())
}

/// What a temporary is for that replaces `target`.
fn purpose(rules: &Rules, target: Option<&Target>) -> Purpose {
    match target {
        None => Purpose::New,
        Some(target) => Purpose::Replacement {
            mount: target.stat.mount,
            is_synced: rules.durable != Durable::No,
        },
    }
}
