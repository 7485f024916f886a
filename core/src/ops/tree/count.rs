//! Counts the entries of a tree before anything is done to it.

use super::{Entered, Tree, may_be_directory};
use crate::error::{Code, Error, Os, Refusal};
use crate::ops::failure::Failure;
use crate::ops::write::IsAborted;
use crate::resolve::Resolver;
use crate::sys::{self, BorrowedFd, Directory};

/// Counts a directory and everything beneath it. Stops as soon as there are more than `most`.
///
/// `permits`: directories of this user that lack a permission get it while they are read, as the
/// removal gives it, and their old mode afterwards.
///
/// # Errors
///
/// [`Code::TooLarge`]; EBUSY for a mount; what the system returned.
pub(in crate::ops) fn count(
    (parent, name): (BorrowedFd<'_>, &[u8]),
    resolver: Resolver,
    most: u64,
    permits: bool,
    is_aborted: IsAborted<'_>,
) -> Result<(), Failure> {
    let mut counting = Counting {
        tree: Tree::new(parent, resolver)?,
        parent,
        old_modes: Vec::new(),
        permits,
        found: 0,
        most,
    };
    let counted = counting.run(name, is_aborted);
    if counted.is_err() {
        while counting.tree.depth() > 0 && counting.leave().is_ok() {}
    }
    counted
}

struct Counting<'a> {
    tree: Tree,
    /// The directory above the tree.
    parent: BorrowedFd<'a>,
    /// For each directory, its old mode, if it was changed.
    old_modes: Vec<Option<u32>>,
    permits: bool,
    found: u64,
    most: u64,
}

impl Counting<'_> {
    fn run(&mut self, top: &[u8], is_aborted: IsAborted<'_>) -> Result<(), Failure> {
        self.found = 1;
        refuse_more(self.found, self.most)?;
        self.enter(top)?;
        while let Some(level) = self.tree.here() {
            if is_aborted() {
                return Err(Failure::aborted());
            }
            match level.pending.pop() {
                Some(name) => self.enter(&name)?,
                None => self.leave()?,
            }
        }
        Ok(())
    }

    fn enter(&mut self, name: &[u8]) -> Result<(), Failure> {
        let entered = match self.tree.enter(self.parent, name) {
            Err(os) if os.errno == sys::EACCES && self.permit() => {
                self.tree.enter(self.parent, name)
            }
            result => result,
        };
        match entered {
            Ok(Entered::Directory) => self.old_modes.push(None),
            Ok(_) => return Ok(()),
            Err(os) => return Err(Failure::from(os).at(self.tree.path_of(name))),
        }
        let mut pending = Vec::new();
        let result = self.read(&mut pending);
        if let Some(level) = self.tree.here() {
            level.pending = pending;
        }
        result.map_err(|failure| match failure.error {
            Error::System { .. } => failure.at(self.tree.path_of(b"")),
            Error::Refused(_) | Error::Incomplete { .. } => failure,
        })
    }

    /// Counts the entries of the current directory.
    fn read(&mut self, pending: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
        let mut directory = match self.open() {
            Err(os) if os.errno == sys::EACCES && self.permit() => self.open()?,
            result => result?,
        };
        while let Some(entry) = directory.next()? {
            self.found += 1;
            refuse_more(self.found, self.most)?;
            if may_be_directory(entry.kind) {
                pending.push(entry.name.to_vec());
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Directory, Os> {
        match self.tree.here() {
            Some(level) => Directory::open(level.as_fd()),
            None => Directory::open(self.parent),
        }
    }

    /// Gives this user all permissions on the current directory, if it is theirs and the caller
    /// wants that. Returns whether that changed anything.
    fn permit(&mut self) -> bool {
        let (Some(level), true) = (self.tree.here(), self.permits) else {
            return false;
        };
        let Ok(stat) = sys::fstat(level.as_fd()) else {
            return false;
        };
        let is_changed = level.permit();
        if let (true, Some(old)) = (is_changed, self.old_modes.last_mut()) {
            old.get_or_insert(stat.permissions());
        }
        is_changed
    }

    /// Returns to the directory above. The current one gets its old mode back.
    fn leave(&mut self) -> Result<(), Failure> {
        // Opens it by `..`, which the old mode may forbid.
        let above = self.tree.above(self.parent).map(drop);
        if let (Some(Some(mode)), Some(level)) = (self.old_modes.pop(), self.tree.here()) {
            sys::change_mode_of_path_fd(level.as_fd(), mode)?;
        }
        above?;
        self.tree.leave();
        Ok(())
    }
}

/// Refuses more entries than allowed.
fn refuse_more(found: u64, most: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::new(Code::TooLarge, "entries").into())
}
