//! Not supported: no call on this system reports whether it would block. The caller uses the
//! ordinary verb.

use super::cached::Cached;
use super::target_key::{Base, LastName};
use crate::error::Error;
use crate::ops::ensure_dir::{Ensured, Rules as EnsureRules};
use crate::ops::read::{OpenFile, Rules};
use crate::ops::write::TargetKey;
use crate::resolve::{Policy, Root, Scope};
use crate::sys::Stat;

/// Determines the locality of file systems; has no effect here.
pub fn probe_locality(_: &Scope<'_>, _: &[u8]) {}

/// The directory of a batch. Never holds one here.
#[derive(Debug, Default)]
pub struct HeldParent;

/// A file that passed the rules, and its locality.
#[derive(Debug)]
pub struct InMemory {
    /// The file.
    pub file: OpenFile,
}

/// Opens a file under the rules. Always [`Cached::NotCached`] here.
#[must_use]
pub fn open_file(
    _: &Scope<'_>,
    _: &[u8],
    _: &Rules,
    _: Option<&mut HeldParent>,
) -> Cached<InMemory> {
    Cached::NotCached(false)
}

impl InMemory {
    /// Returns whether the directory of the file was opened first.
    #[must_use]
    pub fn is_by_parent(&self) -> bool {
        false
    }

    /// Returns whether the file is small enough to be copied on the calling thread.
    #[must_use]
    pub fn is_small(&self) -> bool {
        false
    }

    /// Reads the whole content into `buf`. Always `None` here.
    #[must_use]
    pub fn read(&self, _: &mut [u8]) -> Option<usize> {
        None
    }
}

/// Returns an existing directory that grants nothing beyond the mode, or creates one in memory.
/// Always [`Cached::NotCached`] here.
#[must_use]
pub fn ensure_dir(
    _: &Scope<'_>,
    _: &[u8],
    _: &EnsureRules,
    _: &mut Option<Vec<u8>>,
) -> Cached<Ensured> {
    Cached::NotCached(false)
}

/// Returns the stat of a path. Always [`Cached::NotCached`] here.
#[must_use]
pub fn stat(_: &Scope<'_>, _: &[u8], _: bool) -> Cached<Result<Stat, Error>> {
    Cached::NotCached(false)
}

/// Opens a directory as a root. Always [`Cached::NotCached`] here.
#[must_use]
pub fn open_root(_: &[u8]) -> Cached<Root> {
    Cached::NotCached(false)
}

/// Returns the target's key. Always `None` here: no call resolves a path without blocking.
pub(crate) fn find_target_key(_: Base<'_>, _: Policy, _: &[u8], _: LastName) -> Option<TargetKey> {
    None
}
