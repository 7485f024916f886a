//! Removes a file, a symlink, an empty directory or a tree.
//!
//! The parent is opened beneath the scope and held. A tree is removed by descriptors, without
//! recursion ([`super::tree`]). No symlink is followed, no mount is entered, and the root itself is
//! never removed.
//!
//! Not protected: POSIX removes by name. A file that another process puts under the name in the
//! held parent is removed in place of the one that the caller meant.

use super::failure::Failure;
use super::tree::{Entered, Tree, count, may_be_directory};
use super::two_names::held_parent;
use super::write::IsAborted;
use super::write::directory_sync::sync_parent;
use super::write::fsync_errors;
use super::write::parent::ParentRules;
use crate::error::{Code, Error, Os};
use crate::resolve::{Naming, Parent, Scope, classify};
use crate::sys::{self, BorrowedFd, Directory};

/// How much is removed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Removes a directory with everything in it.
    pub recursive: bool,
    /// A missing file is no error.
    pub ignore_missing: bool,
    /// Refuses a tree with more entries, itself included, before anything is removed.
    pub max_entries: Option<u64>,
    /// Syncs the parent directory.
    pub is_durable: bool,
}

/// Times that one directory is read before it counts as being refilled.
const ROUNDS: u32 = 64;
/// Repeated reads of a whole call: another process that creates directories in new directories
/// would keep it busy without end.
const ALL_ROUNDS: u32 = 4096;

/// Removes what a path names. Returns the number of entries removed.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`] (also for the root itself), [`Code::Symlink`]
/// for a symlink on the way, and for one whose path ends in `/`; [`Code::NotFound`],
/// [`Code::NotDirectory`], [`Code::TooLarge`], [`Code::PathMismatch`], [`Code::NotDurable`],
/// [`Code::Aborted`]; otherwise what the system returned: ENOTEMPTY for a directory that is not
/// removed recursively or that is refilled meanwhile, EBUSY for a mount.
pub fn remove(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Failure> {
    match remove_found(scope, raw, rules, is_aborted) {
        Err(failure) if rules.ignore_missing && failure.error.code() == Some(Code::NotFound) => {
            Ok(failure.done)
        }
        result => result,
    }
}

fn remove_found(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Failure> {
    let parent_rules = ParentRules {
        wants_sync: rules.is_durable,
        make_parents: None,
    };
    let held = held_parent(scope, raw, Naming::Uses, parent_rules)?;
    let began = fsync_errors::mark();
    let removed = if held.names_directory {
        held.check_directory()?;
        remove_directory(scope, &held.parent, rules, is_aborted)?
    } else {
        match unlink(held.parent.as_fd(), held.parent.name()) {
            Ok(Unlinked::Removed) => 1,
            Ok(Unlinked::Directory) => remove_directory(scope, &held.parent, rules, is_aborted)?,
            Ok(Unlinked::Nothing) => return Err(missing("unlink").into()),
            Err(os) => return Err(os.into()),
        }
    };
    if rules.is_durable && held.can_sync {
        sync_parent(&held.parent, began).map_err(|error| Failure::from(error).after(removed))?;
    }
    Ok(removed)
}

fn missing(syscall: &'static str) -> Error {
    classify(
        Os {
            errno: sys::ENOENT,
            syscall,
        }
        .into(),
    )
}

/// The result of [`unlink`].
enum Unlinked {
    Removed,
    /// The name was gone.
    Nothing,
    Directory,
}

/// Removes the name of anything but a directory.
fn unlink(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Unlinked, Os> {
    match sys::unlink_at(dir, name) {
        Ok(()) => Ok(Unlinked::Removed),
        Err(os) if os.errno == sys::ENOENT => Ok(Unlinked::Nothing),
        // Linux judges the mount before it looks for the name.
        Err(os) if os.errno == sys::EROFS => match sys::fstatat(dir, name) {
            Err(stat) if stat.errno == sys::ENOENT => Ok(Unlinked::Nothing),
            _ => Err(os),
        },
        // Linux returns EISDIR, POSIX and macOS EPERM, which has other meanings too.
        Err(os) if os.errno == sys::EISDIR => Ok(Unlinked::Directory),
        Err(os) if os.errno == sys::EPERM => match sys::fstatat(dir, name) {
            Ok(stat) if stat.is_directory() => Ok(Unlinked::Directory),
            _ => Err(os),
        },
        Err(os) => Err(os),
    }
}

fn remove_directory(
    scope: &Scope<'_>,
    parent: &Parent,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Failure> {
    if !rules.recursive {
        return match sys::remove_dir_at(parent.as_fd(), parent.name()) {
            Ok(()) => Ok(1),
            Err(os) => Err(classify(os.into()).into()),
        };
    }
    let (dir, name) = (parent.as_fd(), parent.name());
    if let Some(most) = rules.max_entries {
        count((dir, name), scope.resolver, most, is_aborted)?;
    }
    let tree = Tree::new(dir, scope.resolver)?;
    remove_tree(tree, dir, name, Modes::Kept, is_aborted)
}

/// What happens to a directory of the tree that denies this user a permission that the removal
/// needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modes {
    /// It keeps its mode, and the call fails.
    Kept,
    /// If it is this user's, it gets the permission: the whole tree is the package's own.
    Widened,
}

/// Removes a directory of an open one, with everything in it. Returns the number of entries.
pub(super) fn remove_tree(
    tree: Tree,
    dir: BorrowedFd<'_>,
    name: &[u8],
    modes: Modes,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Failure> {
    let mut removal = Removal {
        tree,
        dir,
        modes,
        removed: 0,
        rounds_left: ALL_ROUNDS,
        is_aborted,
    };
    match removal.run(name) {
        Ok(()) => Ok(removal.removed),
        Err(failure) => Err(failure.after(removal.removed)),
    }
}

struct Removal<'a> {
    tree: Tree,
    /// The directory above the tree.
    dir: BorrowedFd<'a>,
    modes: Modes,
    removed: u64,
    rounds_left: u32,
    is_aborted: IsAborted<'a>,
}

impl Removal<'_> {
    fn run(&mut self, top: &[u8]) -> Result<(), Failure> {
        match self.enter(top)? {
            Entered::Directory => {}
            Entered::Nothing => return Err(missing("rmdir").into()),
            Entered::Other => return Err(Error::refused(Code::PathMismatch, "exchanged").into()),
        }
        while let Some(level) = self.tree.here() {
            if let Some(name) = level.pending.pop() {
                if self.enter(&name)? == Entered::Other {
                    self.unlink(&name)?;
                }
            } else if self.remove_emptied()? {
                self.tree.leave();
            } else {
                self.empty()?;
            }
        }
        Ok(())
    }

    fn at(&self, name: &[u8], os: Os) -> Failure {
        Failure::from(os).at(self.tree.path_of(name))
    }

    /// Enters a directory, and removes everything in it but its directories.
    fn enter(&mut self, name: &[u8]) -> Result<Entered, Failure> {
        let entered = match self.tree.enter(self.dir, name) {
            // The current directory cannot be searched.
            Err(os) if os.errno == sys::EACCES && self.permit() => self.tree.enter(self.dir, name),
            result => result,
        };
        let entered = entered.map_err(|os| self.at(name, os))?;
        if entered == Entered::Directory {
            self.empty()?;
        }
        Ok(entered)
    }

    /// Gives this user the permissions to remove entries of the current directory, if it is theirs
    /// and [`Modes`] say so.
    fn permit(&mut self) -> bool {
        self.modes == Modes::Widened && self.tree.here().is_some_and(|level| level.permit())
    }

    /// Reads the current directory, and removes everything in it but its directories, which become
    /// pending.
    fn empty(&mut self) -> Result<(), Failure> {
        let mut directory = self.read()?;
        loop {
            let name = match directory.next() {
                Ok(None) => return Ok(()),
                Ok(Some(entry)) if entry.kind.is_some() && may_be_directory(entry.kind) => {
                    let name = entry.name.to_vec();
                    if let Some(level) = self.tree.here() {
                        level.pending.push(name);
                    }
                    continue;
                }
                Ok(Some(entry)) => entry.name,
                Err(os) => return Err(self.at(b"", os)),
            };
            self.unlink(name)?;
        }
    }

    fn read(&mut self) -> Result<Directory, Failure> {
        let Some(level) = self.tree.here() else {
            return Err(Error::refused(Code::Internal, "no directory").into());
        };
        level.rounds += 1;
        let widens = self.modes == Modes::Widened;
        let directory = match Directory::open(level.as_fd()) {
            Err(os) if os.errno == sys::EACCES && widens && level.permit() => {
                Directory::open(level.as_fd())
            }
            result => result,
        };
        directory.map_err(|os| self.at(b"", os))
    }

    /// Removes a name in the current directory. A directory becomes pending.
    fn unlink(&mut self, name: &[u8]) -> Result<(), Failure> {
        if (self.is_aborted)() {
            return Err(Failure::aborted());
        }
        let Some(level) = self.tree.here() else {
            return Ok(());
        };
        let widens = self.modes == Modes::Widened;
        let unlinked = match unlink(level.as_fd(), name) {
            Err(os) if os.errno == sys::EACCES && widens && level.permit() => {
                unlink(level.as_fd(), name)
            }
            result => result,
        };
        match unlinked {
            Ok(Unlinked::Removed) => self.removed += 1,
            Ok(Unlinked::Nothing) => {}
            Ok(Unlinked::Directory) => level.pending.push(name.to_vec()),
            Err(os) => return Err(self.at(name, os)),
        }
        Ok(())
    }

    /// Removes the current directory, which has been emptied. Returns false if it has to be emptied
    /// again.
    fn remove_emptied(&mut self) -> Result<bool, Failure> {
        if (self.is_aborted)() {
            return Err(Failure::aborted());
        }
        let Some(level) = self.tree.here() else {
            return Ok(true);
        };
        let name = level.name().to_vec();
        let above = self.tree.above(self.dir);
        let above = above.map_err(|failure| failure.at(Vec::new()))?;
        let is_same = match sys::fstatat(above, &name) {
            Ok(stat) => Some(stat),
            Err(os) if os.errno == sys::ENOENT => None,
            Err(os) if os.errno == sys::EACCES && self.permit_above()? => return Ok(false),
            Err(os) => return Err(self.at(b"", os)),
        };
        let removed = match is_same {
            // Another process removed or renamed it.
            None => return Ok(true),
            Some(stat) if !self.tree.here().is_some_and(|level| level.is(&stat)) => {
                return self.is_exchanged();
            }
            Some(_) => {
                let above = self.tree.above(self.dir)?;
                sys::remove_dir_at(above, &name)
            }
        };
        match removed {
            Ok(()) => {
                self.removed += 1;
                Ok(true)
            }
            Err(os) if os.errno == sys::ENOENT => Ok(true),
            Err(os) if os.errno == sys::ENOTDIR => self.is_exchanged(),
            Err(os) if os.errno == sys::ENOTEMPTY => self.refilled(os),
            Err(os) if os.errno == sys::EACCES && self.permit_above()? => Ok(false),
            Err(os) => Err(self.at(b"", os)),
        }
    }

    /// Judges a directory whose name refers to another object now. That object is one more entry of
    /// the directory above.
    fn is_exchanged(&mut self) -> Result<bool, Failure> {
        if self.tree.depth() > 1 {
            return Ok(true);
        }
        Err(Error::refused(Code::PathMismatch, "exchanged").into())
    }

    fn refilled(&mut self, os: Os) -> Result<bool, Failure> {
        let is_over =
            self.rounds_left == 0 || self.tree.here().is_none_or(|level| level.rounds >= ROUNDS);
        if is_over {
            return Err(self.at(b"", os));
        }
        self.rounds_left -= 1;
        Ok(false)
    }

    /// Gives this user the permissions to remove entries of the directory above the current one, if
    /// it is part of the tree and theirs, and [`Modes`] say so.
    fn permit_above(&mut self) -> Result<bool, Failure> {
        Ok(self.modes == Modes::Widened && self.tree.permit_above(self.dir)?)
    }
}
