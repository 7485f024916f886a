//! Replacing a file atomically: the name shows the old content or the new, whole, at any instant.
//!
//! 1. `openat2` of the parent directory under the scope's policy ([`place`](mod@place)).
//! 2. A look at what has the name.
//! 3. A temporary file in that directory, by descriptor.
//! 4. Owner, ACL and mode on its descriptor, before any content ([`settle`](mod@settle)).
//! 5. The content; `fsync` when durable; `close`, whose answer counts.
//! 6. `renameat`, or `renameat2(RENAME_NOREPLACE)` where nothing may be replaced.
//! 7. `fsync` of the directory when durable.
//!
//! A failure before 6 leaves the old file and no temporary. After 6 nothing is done by path.

mod many;
mod place;
mod rehearsal;
mod settle;

pub use many::{Item, write_many};
pub use rehearsal::{Forecast, rehearse};

use crate::error::{Code, Error, Os};
use crate::resolve::Scope;
use crate::sys;
use crate::temporary::{Method, Temporary};
use place::Place;
use settle::{Plan, Settled};

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
    let mut prepared = Prepared::new(scope, raw, data, rules)?;
    prepared.sync()?;
    prepared.close()?;
    if is_aborted() {
        return Err(Error::refused(Code::Aborted, ""));
    }
    let published = prepared.publish()?;
    let durable = published.sync_directory()?;
    Ok(published.into_written(durable))
}

/// A file that comes in pieces: written to its temporary, and published when it is complete.
///
/// Until then the temporary is 0600, whatever the file will be; what the file replaces is looked
/// at when it is complete. Dropping it leaves the old file as it was.
#[derive(Debug)]
pub struct Stage {
    place: Place,
    temporary: Temporary,
    rules: Rules,
    size: u64,
}

impl Stage {
    /// Starts a file.
    ///
    /// # Errors
    ///
    /// As [`write`]: a target that may not be replaced is refused before any content comes.
    pub fn begin(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        let mut place = Place::find(scope, raw, rules)?;
        place.look(scope, rules)?;
        let temporary = create_temporary(&place, settle::PRIVATE)?;
        Ok(Self {
            place,
            temporary,
            rules: *rules,
            size: 0,
        })
    }

    /// Writes the next piece.
    ///
    /// # Errors
    ///
    /// What the system answered.
    pub fn append(&mut self, data: &[u8]) -> Result<(), Error> {
        write_all(&self.temporary, data)?;
        self.size += data.len() as u64;
        Ok(())
    }

    /// Publishes the file.
    ///
    /// # Errors
    ///
    /// As [`write`].
    pub fn commit(
        mut self,
        scope: &Scope<'_>,
        is_aborted: IsAborted<'_>,
    ) -> Result<Written, Error> {
        let target = self.place.look_again(scope, &self.rules)?;
        let settled = Plan::new(&self.rules, target).settle(self.temporary.fd()?)?;
        let mut prepared = Prepared {
            place: self.place,
            temporary: self.temporary,
            settled,
            size: self.size,
            rules: self.rules,
        };
        prepared.sync()?;
        prepared.close()?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        let published = prepared.publish()?;
        let durable = published.sync_directory()?;
        Ok(published.into_written(durable))
    }
}

/// A directory that was removed since it was opened has no room for anything.
fn create_temporary(place: &Place, mode: u32) -> Result<Temporary, Error> {
    Temporary::create(place.directory(), mode).map_err(|os| match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "directory", os),
        _ => os.into(),
    })
}

fn write_all(temporary: &Temporary, mut data: &[u8]) -> Result<(), Error> {
    let fd = temporary.fd()?;
    while !data.is_empty() {
        let count = sys::write(fd, data)?;
        if count == 0 {
            // No file system should; an endless loop must not be the answer if one does.
            return Err(Os {
                errno: nix::libc::EIO,
                syscall: "write",
            }
            .into());
        }
        data = &data[count..];
    }
    Ok(())
}

/// A file with its owner, mode and content, under its temporary's name.
struct Prepared {
    place: Place,
    temporary: Temporary,
    settled: Settled,
    size: u64,
    rules: Rules,
}

impl Prepared {
    fn new(scope: &Scope<'_>, raw: &[u8], data: &[u8], rules: &Rules) -> Result<Self, Error> {
        let mut place = Place::find(scope, raw, rules)?;
        let target = place.look(scope, rules)?;
        let plan = Plan::new(rules, target);
        let temporary = create_temporary(&place, plan.first_mode())?;
        let settled = plan.settle(temporary.fd()?)?;
        write_all(&temporary, data)?;
        Ok(Self {
            place,
            temporary,
            settled,
            size: data.len() as u64,
            rules: *rules,
        })
    }

    /// Has the system begin to write back what a later [`Self::sync`] will wait for.
    fn start_sync(&self) {
        if let (true, Ok(fd)) = (self.rules.durable != Durable::No, self.temporary.fd()) {
            sys::start_sync(fd);
        }
    }

    fn sync(&self) -> Result<(), Error> {
        if self.rules.durable != Durable::No {
            sys::sync(self.temporary.fd()?)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(self.temporary.close()?)
    }

    /// Gives the file its name.
    fn publish(mut self) -> Result<Published, Error> {
        let name = self.place.name();
        let answer = if self.rules.overwrite {
            self.temporary.publish_over(name)
        } else {
            self.temporary.publish_new(name)
        };
        let method = answer.map_err(|os| match os.errno {
            sys::EEXIST => Error::refused_by(Code::AlreadyExists, "", os),
            // A directory came there since the look.
            sys::EISDIR | sys::ENOTEMPTY | sys::ENOTDIR => {
                Error::refused_by(Code::NotFile, "directory", os)
            }
            sys::ENOENT => Error::refused_by(Code::NotFound, "directory", os),
            _ => Error::System {
                os,
                temporary: Some(self.place.full_path(self.temporary.name())),
            },
        })?;
        // A linked temporary still has its own name, which must be gone before the directory is
        // synced.
        drop(self.temporary);
        Ok(Published {
            place: self.place,
            settled: self.settled,
            size: self.size,
            method,
            durable: self.rules.durable,
        })
    }
}

/// A file that has its name.
struct Published {
    place: Place,
    settled: Settled,
    size: u64,
    method: Method,
    durable: Durable,
}

impl Published {
    fn sync_directory(&self) -> Result<Durable, Error> {
        match self.durable {
            Durable::Full => self.place.sync(),
            other => Ok(other),
        }
    }

    fn into_written(self, durable: Durable) -> Written {
        let Settled { stat, preserved } = self.settled;
        Written {
            real: self.place.into_real_path(),
            created: preserved.is_none(),
            size: self.size,
            mode: stat.permissions(),
            dev: stat.dev,
            ino: stat.ino,
            method: self.method,
            durable,
            preserved,
        }
    }
}
