//! The verbs' answers from memory, where no call says whether it would wait: there are none. The
//! caller asks the ordinary verb, where waiting does no harm.

use crate::ensure_dir::{Ensured, Rules as EnsureRules};
use crate::error::Error;
use crate::read::{OpenFile, Rules};
use crate::resolve::Root;
use crate::resolve::Scope;
use crate::sys::Stat;

/// An answer from memory.
#[derive(Debug)]
pub enum Cached<T> {
    /// This is it.
    Known(T),
    /// It takes the ordinary verb. True: [`learn`] first, the mount is not known yet.
    Elsewhere(bool),
}

/// Finds out the locality of file systems: of no use here.
pub fn learn(_: &Scope<'_>, _: &[u8]) {}

/// A file that passed the rules, and its locality.
#[derive(Debug)]
pub struct InMemory {
    /// The file.
    pub file: OpenFile,
}

/// Opens a file under the rules, from memory alone.
#[must_use]
pub fn open_file(_: &Scope<'_>, _: &[u8], _: &Rules) -> Cached<InMemory> {
    Cached::Elsewhere(false)
}

impl InMemory {
    /// Whether it is small enough to be copied on the calling thread.
    #[must_use]
    pub fn is_small(&self) -> bool {
        false
    }

    /// Reads everything into `place`: not from memory alone.
    #[must_use]
    pub fn read(&self, _: &mut [u8]) -> Option<usize> {
        None
    }
}

/// A directory that is there already and has nothing beyond the mode.
#[must_use]
pub fn ensure_dir(_: &Scope<'_>, _: &[u8], _: &EnsureRules) -> Cached<Ensured> {
    Cached::Elsewhere(false)
}

/// The status of what a path leads to: not from memory alone.
#[must_use]
pub fn status(_: &Scope<'_>, _: &[u8]) -> Cached<Result<Stat, Error>> {
    Cached::Elsewhere(false)
}

/// Opens a directory as a root: not from memory alone.
#[must_use]
pub fn open_root(_: &[u8]) -> Cached<Root> {
    Cached::Elsewhere(false)
}
