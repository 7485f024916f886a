//! Counts the entries of a tree before anything is done to it.

use super::{Entered, Tree, may_be_directory};
use crate::error::{Code, Error, Refusal};
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
    parent: BorrowedFd<'_>,
    name: &[u8],
    resolver: Resolver,
    most: u64,
    is_aborted: IsAborted<'_>,
) -> Result<(), Failure> {
    let mut tree = Tree::new(parent, resolver)?;
    let mut found = 0;
    enter(&mut tree, parent, name, &mut found, most)?;
    while let Some(level) = tree.here() {
        if is_aborted() {
            return Err(Failure::aborted());
        }
        if let Some(name) = level.pending.pop() {
            enter(&mut tree, parent, &name, &mut found, most)?;
        } else {
            tree.above(parent)?;
            tree.leave();
        }
    }
    Ok(())
}

fn enter(
    tree: &mut Tree,
    parent: BorrowedFd<'_>,
    name: &[u8],
    found: &mut u64,
    most: u64,
) -> Result<(), Failure> {
    *found += u64::from(tree.depth() == 0);
    refuse_more(*found, most)?;
    let at = |tree: &Tree, os: crate::error::Os| Failure::from(os).at(tree.path_of(name));
    match tree.enter(parent, name) {
        Ok(Entered::Directory) => {}
        Ok(_) => return Ok(()),
        Err(os) => return Err(at(tree, os)),
    }
    let Some(level) = tree.here() else {
        return Ok(());
    };
    let mut pending = Vec::new();
    let mut read = || -> Result<(), Failure> {
        let mut directory = Directory::open(level.as_fd())?;
        while let Some(entry) = directory.next()? {
            *found += 1;
            refuse_more(*found, most)?;
            if may_be_directory(entry.kind) {
                pending.push(entry.name.to_vec());
            }
        }
        Ok(())
    };
    let result = read();
    level.pending = pending;
    result.map_err(|failure| match failure.error {
        Error::System { .. } => failure.at(tree.path_of(b"")),
        Error::Refused(_) | Error::Incomplete { .. } => failure,
    })
}

/// Refuses more entries than allowed.
fn refuse_more(found: u64, most: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::new(Code::TooLarge, "entries").into())
}
