//! Walks a tree, in pre-order and iteratively, by the descriptor of each directory.
//!
//! A directory is opened by its name in its open parent, and never through a symlink. At most
//! [`MAX_OPEN`] levels hold a descriptor. A level beyond is read to its end before its descriptor
//! is closed, and is opened again by `..` from its child; device and inode must be the same then.
//!
//! Not protected: a directory that is moved out of the tree during the walk is still walked, as it
//! was opened.

use super::entries::{self, Entries, SCANDIR, look_up};
use crate::error::{Code, Error, Os};
use crate::path;
use crate::resolve::Scope;
use crate::sys::{self, AsFd, Directory, S_IFDIR, Stat};
use std::time::{Duration, Instant};

/// In [`Entries::kinds`]: the directory of the entry before is entered.
pub const ENTER: u8 = 0x20;
/// In [`Entries::kinds`]: the current directory is left.
pub const LEAVE: u8 = 0x21;

/// Levels that hold a descriptor at a time.
const MAX_OPEN: usize = 32;
/// Entries of one batch.
const BATCH: u32 = 1024;
/// Time after which a batch ends, whatever it has.
const PATIENCE: Duration = Duration::from_millis(40);

/// What is walked.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether each entry gets its stat.
    pub wants_stat: bool,
    /// Depth of the deepest entries that are reported. The entries of the first directory have 1.
    pub max_depth: u32,
    /// Whether directories that cannot be read are passed over.
    pub skips_errors: bool,
}

/// One directory on the way from the first to the current one.
#[derive(Debug)]
struct Level {
    /// `None` while the descriptor is given up.
    directory: Option<Directory>,
    /// Entries that were read when the descriptor was given up, from `rest_at` on.
    rest: Vec<(Vec<u8>, Option<u32>)>,
    rest_at: usize,
    is_read: bool,
    /// Device and inode, since the descriptor was given up.
    identity: (u64, u64),
    /// Length of the path of the directory.
    path_length: usize,
}

/// A walk between two batches.
#[derive(Debug)]
pub struct Walk {
    levels: Vec<Level>,
    /// Index of the first level that may hold a descriptor.
    first_open: usize,
    /// The path of the current directory below the first one.
    path: Vec<u8>,
    rules: Rules,
    /// The name of an entry, while its directory is borrowed.
    name: Vec<u8>,
    /// Nothing was read yet.
    is_at_start: bool,
}

/// Some entries of a walk.
#[derive(Debug, Default)]
pub struct Batch {
    /// The entries, with [`ENTER`] and [`LEAVE`] in between.
    pub entries: Entries,
    /// Whether the walk, or with [`Walk::step`] the current directory, has no more entries.
    pub is_end: bool,
    /// The failure that ended the walk, and the path of its directory below the first one.
    pub failure: Option<(Error, Vec<u8>)>,
}

impl Walk {
    /// Opens the first directory. Returns the path as it was located, too, unless it is the path as
    /// given.
    ///
    /// # Errors
    ///
    /// As [`list`](super::list::list).
    pub fn open(
        scope: &Scope<'_>,
        raw: &[u8],
        rules: Rules,
    ) -> Result<(Self, Option<Vec<u8>>), Error> {
        let located = scope.locate(raw)?;
        let directory = entries::open(scope, &located)?;
        let walk = Self {
            levels: vec![Level::of(directory, 0)],
            first_open: 0,
            path: Vec::new(),
            rules,
            name: Vec::new(),
            is_at_start: true,
        };
        Ok((walk, (!located.is_plain).then(|| located.text.into_owned())))
    }

    /// Returns the next entries of the whole tree. `is_closed` ends the batch early.
    pub fn next_batch(&mut self, is_closed: &dyn Fn() -> bool) -> Batch {
        let mut clock = Clock::new();
        let mut batch = Batch::default();
        while batch.failure.is_none() && batch.entries.count < BATCH {
            match self.read_entry(&mut batch) {
                Some(kind) if kind == S_IFDIR && self.depth() < self.rules.max_depth => {
                    let name = std::mem::take(&mut self.name);
                    self.enter(&name, &mut batch);
                    self.name = name;
                }
                Some(_) => {}
                None => {
                    self.leave(&mut batch);
                    if self.levels.is_empty() {
                        batch.is_end = true;
                        break;
                    }
                }
            }
            if clock.is_over(is_closed) {
                break;
            }
        }
        batch
    }

    /// Leaves `left` directories, enters a directory by its name if there is one, and returns the
    /// next entries of the then current directory alone.
    pub fn step(&mut self, left: u32, name: Option<&[u8]>, is_closed: &dyn Fn() -> bool) -> Batch {
        let mut clock = Clock::new();
        let mut batch = Batch::default();
        for _ in 0..left {
            self.leave(&mut batch);
        }
        if let Some(name) = name {
            let depth = self.levels.len();
            self.enter(name, &mut batch);
            if self.levels.len() == depth {
                // Passed over: the caller goes on with what it has of the current directory.
                return batch;
            }
        }
        while batch.failure.is_none() && batch.entries.count < BATCH {
            if self.levels.is_empty() || self.read_entry(&mut batch).is_none() {
                batch.is_end = true;
                break;
            }
            if clock.is_over(is_closed) {
                break;
            }
        }
        batch
    }

    fn depth(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(u32::MAX)
    }

    /// Adds the next entry of the current directory to the batch. Returns its type, or 0 for an
    /// entry that is not reported; `None` at the end of the directory. Its name is in `self.name`.
    fn read_entry(&mut self, batch: &mut Batch) -> Option<u32> {
        let level = self.levels.last_mut()?;
        let is_at_start = std::mem::replace(&mut self.is_at_start, false);
        let kind = match level.next(&mut self.name) {
            Ok(Some(kind)) => kind,
            Ok(None) => {
                // The first directory has to exist, whatever is passed over.
                if let (true, Some(directory)) = (is_at_start, &level.directory)
                    && let Err(error) = entries::refuse_removed(directory)
                {
                    batch.failure = Some((error, Vec::new()));
                }
                return None;
            }
            Err(os) => {
                level.is_read = true;
                self.fail(os.into(), None, batch);
                return None;
            }
        };
        let entries = &mut batch.entries;
        let wants_stat = self.rules.wants_stat;
        let found = match (&level.directory, kind) {
            (_, Some(kind)) if !wants_stat => Ok(Some((kind, None))),
            (Some(directory), kind) => look_up(directory.as_fd(), &self.name, kind, wants_stat),
            (None, _) => Err(moved_away()),
        };
        match found {
            Ok(Some((kind, stat))) => {
                entries.push(&self.name, kind, stat);
                Some(kind)
            }
            Ok(None) => Some(0),
            Err(os) => {
                let name = self.name.clone();
                // Its kind may be known all the same.
                if self.rules.skips_errors
                    && let Some(kind) = kind
                {
                    entries.push(&name, kind, Some(Stat::default()));
                }
                self.fail(os.into(), Some(&name), batch);
                Some(0)
            }
        }
    }

    /// Opens a directory by its name in the current one.
    fn enter(&mut self, name: &[u8], batch: &mut Batch) {
        let Some(parent) = self
            .levels
            .last()
            .and_then(|level| level.directory.as_ref())
        else {
            return self.fail(moved_away().into(), Some(name), batch);
        };
        let opened = sys::open_at(parent.as_fd(), name, entries::read_flags());
        match opened.and_then(Directory::of) {
            Ok(directory) => {
                let separator = if self.path.is_empty() { &b""[..] } else { b"/" };
                self.path.extend_from_slice(separator);
                self.path.extend_from_slice(name);
                self.levels.push(Level::of(directory, self.path.len()));
                batch.entries.kinds.push(ENTER);
                if let Err(os) = self.give_up_descriptors() {
                    self.fail(os.into(), None, batch);
                }
            }
            // It was removed.
            Err(os) if os.errno == sys::ENOENT => {}
            // Something else has the name now.
            Err(os) if matches!(os.errno, sys::ENOTDIR | sys::ELOOP) => {
                self.fail(
                    Error::refused_by(Code::PathMismatch, "walk", os),
                    Some(name),
                    batch,
                );
            }
            Err(os) => self.fail(os.into(), Some(name), batch),
        }
    }

    /// Reads the first open levels to their ends and closes them, while there are too many.
    fn give_up_descriptors(&mut self) -> Result<(), Os> {
        while self.levels.len() - self.first_open > MAX_OPEN {
            let level = &mut self.levels[self.first_open];
            self.first_open += 1;
            level.give_up()?;
        }
        Ok(())
    }

    /// Leaves the current directory, and opens its parent again if its descriptor was given up.
    fn leave(&mut self, batch: &mut Batch) {
        let Some(left) = self.levels.pop() else {
            return;
        };
        batch.entries.kinds.push(LEAVE);
        let index = self.levels.len().wrapping_sub(1);
        let Some(parent) = self.levels.last_mut() else {
            return;
        };
        self.path.truncate(parent.path_length);
        if parent.directory.is_some() {
            return;
        }
        self.first_open = self.first_open.min(index);
        let reopened = match &left.directory {
            Some(child) => parent_of(child, parent.identity),
            // The path back was lost below.
            None => Err(moved_away()),
        };
        match reopened {
            Ok(directory) => parent.directory = Some(directory),
            Err(os) => {
                // What was read of the directory is reported if that needs no descriptor.
                let error = Error::refused_by(Code::PathMismatch, "walk", os);
                self.fail(error, None, batch);
            }
        }
    }

    /// Ends the batch with an error, unless errors are passed over.
    fn fail(&mut self, error: Error, name: Option<&[u8]>, batch: &mut Batch) {
        if self.rules.skips_errors || batch.failure.is_some() {
            return;
        }
        let error = match error {
            Error::System { os, temporary } if os.syscall == "open" => Error::System {
                os: Os {
                    syscall: SCANDIR,
                    ..os
                },
                temporary,
            },
            other => other,
        };
        let path = match name {
            Some(name) if self.path.is_empty() => name.to_vec(),
            Some(name) => path::join(&self.path, name).into_owned(),
            None => self.path.clone(),
        };
        batch.failure = Some((error, path));
    }
}

/// Tells when a batch ends. Reads the clock at every sixteenth entry.
struct Clock {
    began: Instant,
    entries: u32,
}

impl Clock {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            entries: 0,
        }
    }

    fn is_over(&mut self, is_closed: &dyn Fn() -> bool) -> bool {
        self.entries += 1;
        self.entries.is_multiple_of(16) && (is_closed() || self.began.elapsed() >= PATIENCE)
    }
}

impl Level {
    fn of(directory: Directory, path_length: usize) -> Self {
        Self {
            directory: Some(directory),
            rest: Vec::new(),
            rest_at: 0,
            is_read: false,
            identity: (0, 0),
            path_length,
        }
    }

    /// Puts the next name into `name`, and returns the type if it is known.
    fn next(&mut self, name: &mut Vec<u8>) -> Result<Option<Option<u32>>, Os> {
        if let Some((next, kind)) = self.rest.get_mut(self.rest_at) {
            self.rest_at += 1;
            *name = std::mem::take(next);
            return Ok(Some(*kind));
        }
        let Some(directory) = self.directory.as_mut().filter(|_| !self.is_read) else {
            return Ok(None);
        };
        let Some(entry) = directory.next()? else {
            self.is_read = true;
            return Ok(None);
        };
        name.clear();
        name.extend_from_slice(entry.name);
        Ok(Some(entry.kind))
    }

    /// Reads the directory to its end, and closes it.
    fn give_up(&mut self) -> Result<(), Os> {
        let Some(mut directory) = self.directory.take() else {
            return Ok(());
        };
        let stat = sys::fstat(directory.as_fd())?;
        self.identity = (stat.dev, stat.ino);
        if !self.is_read {
            self.rest.drain(..self.rest_at);
            self.rest_at = 0;
            while let Some(entry) = directory.next()? {
                self.rest.push((entry.name.to_vec(), entry.kind));
            }
            self.is_read = true;
        }
        Ok(())
    }
}

/// Opens the parent of a directory, if it is the object with this identity.
fn parent_of(child: &Directory, identity: (u64, u64)) -> Result<Directory, Os> {
    let parent = sys::open_parent(child.as_fd())?;
    let stat = sys::fstat(parent.as_fd())?;
    if (stat.dev, stat.ino) == identity {
        Directory::of(parent)
    } else {
        Err(moved_away())
    }
}

/// Returns the error for a directory whose child is elsewhere now.
fn moved_away() -> Os {
    Os {
        errno: sys::ENOENT,
        syscall: SCANDIR,
    }
}
