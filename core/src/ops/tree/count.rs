//! Counts the entries of a tree before anything is done to it.

use super::{Entered, Tree, may_be_directory};
use crate::error::{Code, Error, Os, Refusal};
use crate::ops::failure::Failure;
use crate::ops::write::IsAborted;
use crate::resolve::Resolver;
use crate::sys::{BorrowedFd, Directory};

/// Counts a directory and everything beneath it. Stops as soon as there are more than `most`.
///
/// # Errors
///
/// [`Code::TooLarge`]; EBUSY for a mount; what the system returned.
pub(in crate::ops) fn count(
    (parent, name): (BorrowedFd<'_>, &[u8]),
    resolver: Resolver,
    most: u64,
    is_aborted: IsAborted<'_>,
) -> Result<(), Failure> {
    let mut counting = Counting {
        tree: Tree::new(parent, resolver)?,
        parent,
        found: 0,
        most,
    };
    counting.run(name, is_aborted)
}

struct Counting<'a> {
    tree: Tree,
    /// The directory above the tree.
    parent: BorrowedFd<'a>,
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
        match self.tree.enter(self.parent, name) {
            Ok(Entered::Directory) => {}
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
        let mut directory = self.open()?;
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

    /// Returns to the directory above.
    fn leave(&mut self) -> Result<(), Failure> {
        self.tree.above(self.parent)?;
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
