//! Not supported: nothing here says whether a call would wait. The caller uses the ordinary verb.

use super::cached::Cached;
use super::target_key::{Base, LastName};
use crate::error::Error;
use crate::ops::ensure_dir::{Ensured, Rules as EnsureRules};
use crate::ops::read::{OpenFile, Rules};
use crate::ops::write::TargetKey;
use crate::resolve::{Policy, Root, Scope};
use crate::sys::Stat;

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
    Cached::NotCached(false)
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
    Cached::NotCached(false)
}

/// The status of what a path leads to: not from memory alone.
#[must_use]
pub fn stat(_: &Scope<'_>, _: &[u8]) -> Cached<Result<Stat, Error>> {
    Cached::NotCached(false)
}

/// Opens a directory as a root: not from memory alone.
#[must_use]
pub fn open_root(_: &[u8]) -> Cached<Root> {
    Cached::NotCached(false)
}

/// There is no call that resolves a path without waiting.
pub(crate) fn find_target_key(_: Base<'_>, _: Policy, _: &[u8], _: LastName) -> Option<TargetKey> {
    None
}
