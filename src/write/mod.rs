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
//! What cannot be renamed over is written in place, if the caller says so ([`in_place`](mod@in_place)).

mod fsync_errors;
mod in_place;
mod many;
mod place;
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
use crate::temporary::{self, Method, Purpose, Temporary};
use crate::write_target::WriteTarget;
use fsync_errors::Mark;
use place::Place;
use settle::{Plan, Settled, Target};

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
    let write_as = |names| {
        let prepared = Prepared::new(scope, raw, data, rules, names)?;
        prepared.finish(is_aborted)
    };
    match write_as(Names::WhereNeeded) {
        Err(error) if is_refused_link(&error) => write_as(Names::Always),
        answer => answer,
    }
}

/// Whether temporaries have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    WhereNeeded,
    Always,
}

/// Whether a file was not published only because it had no name.
fn is_refused_link(error: &Error) -> bool {
    matches!(error, Error::System { os, .. } if temporary::is_refused_link(*os))
}

/// Makes the temporary, and says why where the open directory takes no new name.
fn create_temporary(place: &Place, mode: u32, purpose: Purpose) -> Result<Temporary, Error> {
    Temporary::create(place.directory(), mode, purpose)
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

/// A file with its owner, mode and content, not yet under its final name.
struct Prepared {
    place: Place,
    temporary: Temporary,
    settled: Settled,
    size: u64,
    rules: Rules,
}

impl Prepared {
    fn new(
        scope: &Scope<'_>,
        raw: &[u8],
        data: &[u8],
        rules: &Rules,
        names: Names,
    ) -> Result<Self, Error> {
        let mut place = Place::find(scope, raw, rules)?;
        let target = place.look(scope, rules)?;
        let purpose = match names {
            Names::WhereNeeded => purpose(rules, target.as_ref()),
            Names::Always => Purpose::Named,
        };
        let plan = Plan::new(rules, target);
        let mut temporary = create_temporary(&place, plan.first_mode(), purpose)?;
        let first = temporary.first_status()?;
        let settled = plan.settle(temporary.fd()?, first)?;
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
            fsync_errors::sync_file(self.temporary.fd()?)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(self.temporary.close_if_named()?)
    }

    /// Syncs, publishes, and syncs the directory.
    fn finish(mut self, is_aborted: IsAborted<'_>) -> Result<Written, Error> {
        self.sync()?;
        self.close()?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        let published = self.publish(fsync_errors::mark())?;
        let durable = published.sync_directory()?;
        Ok(published.into_written(durable))
    }

    /// Gives the file its name. `began` is a moment before that.
    fn publish(mut self, began: Mark) -> Result<Published, Error> {
        let name = self.place.name();
        let answer = if self.rules.overwrite {
            let seems_free = self.settled.preserved.is_none();
            self.temporary.publish_over(name, seems_free)
        } else {
            self.temporary.publish_new(name)
        };
        let method = match answer {
            Ok(method) => method,
            Err(os) if os.errno == sys::EBUSY && self.rules.in_place => {
                return in_place::publish(self, began);
            }
            Err(os) => return Err(self.classify_publication(os)),
        };
        // One that had no name is still open. It is published, so a failure cannot undo that.
        self.temporary
            .close()
            .map_err(|os| Error::refused_by(Code::NotDurable, "", os))?;
        // A linked temporary that has a name of its own loses it before the directory is synced.
        drop(self.temporary);
        Ok(Published {
            place: self.place,
            settled: self.settled,
            size: self.size,
            method,
            durable: self.rules.durable,
            began,
        })
    }

    fn classify_publication(&self, os: Os) -> Error {
        match os.errno {
            sys::EEXIST => Error::refused_by(Code::AlreadyExists, "", os),
            // A directory came there since the look.
            sys::EISDIR | sys::ENOTEMPTY | sys::ENOTDIR => {
                Error::refused_by(Code::NotFile, "directory", os)
            }
            sys::ENOENT => make_dirs::without_name(self.place.directory().as_fd(), os, "temporary"),
            _ => Error::System {
                os,
                // Without a name of its own it is known by the directory it lies in.
                temporary: Some(match self.temporary.name() {
                    Some(name) => self.place.full_path(name),
                    None => self.place.directory_path().to_vec(),
                }),
            },
        }
    }
}

/// A file that has its name.
struct Published {
    place: Place,
    settled: Settled,
    size: u64,
    method: Method,
    durable: Durable,
    /// A moment before it was published.
    began: Mark,
}

impl Published {
    fn sync_directory(&self) -> Result<Durable, Error> {
        if self.durable != Durable::Full {
            return Ok(self.durable);
        }
        let durable = self.place.sync()?;
        self.confirm(durable)
    }

    /// What the success of a sync of the directory means for this file.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`]: another sync on the file system has failed since it was published.
    fn confirm(&self, synced: Durable) -> Result<Durable, Error> {
        let directory = self.place.directory();
        let is_promised = synced == Durable::Full;
        if is_promised && fsync_errors::has_failed_since(self.began, directory.as_fd()) {
            return Err(self.place.in_doubt());
        }
        Ok(synced)
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
