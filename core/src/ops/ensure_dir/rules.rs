//! What a caller asks of a directory's mode, and the outcome.

use crate::sys::Stat;

/// What happens to an existing directory that grants more than the requested mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Removes the bits beyond the mode where the system allows it.
    Tighten,
    /// Removes the bits beyond the mode, or fails the call.
    Require,
    /// Leaves the mode as it is.
    Leave,
    /// Leaves the mode as it is because the operator opted out.
    OptOut,
}

/// The outcome for the directory's mode. The order is that of the names in
/// `lib/verbs/ensure-dir.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardening {
    /// This call created the directory.
    Created,
    /// The directory grants nothing beyond the mode.
    NotNeeded,
    /// Bits were removed.
    Tightened,
    /// Bits could not be removed.
    Tolerated,
    /// Bits were left on purpose.
    Left,
}

/// The requested state of the directory.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Permission bits: the exact mode of a new directory, the upper bound for an existing one.
    pub mode: u32,
    /// What happens to a directory that exists.
    pub existing: Existing,
}

/// Returns whether a directory with this stat belongs to the system. Called only when there are
/// bits to remove.
pub(crate) type IsSystem<'a> = &'a dyn Fn(&Stat) -> bool;
