//! The ids of this process, and random bytes.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use crate::error::Os;
use crate::sys::types::Ids;
use crate::sys::unix::{named, uninterrupted};
use nix::errno::Errno;
use nix::libc;

/// Returns the supplementary groups; empty where they cannot be read.
pub(crate) fn effective_groups() -> Vec<u32> {
    /// NGROUPS_MAX.
    const MAX_GROUPS: usize = 16;
    let mut groups = [0; MAX_GROUPS];
    // SAFETY: the array has room for the given number of groups, and outlives the call.
    let count = unsafe { libc::getgroups(MAX_GROUPS as libc::c_int, groups.as_mut_ptr()) };
    groups[..usize::try_from(count).unwrap_or_default()].to_vec()
}

/// Returns true: there are no user namespaces.
pub(crate) fn has_full_map(_: Ids) -> bool {
    true
}

/// Returns `None`: it cannot be read without changing it.
pub(crate) fn umask() -> Option<u32> {
    None
}

/// Fills a buffer from the kernel's random generator, for unguessable names.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    uninterrupted(|| {
        // SAFETY: pointer and length describe bytes that are exclusive and outlive the call; 256 is
        // the limit of one call.
        let result = unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) };
        named("getentropy", Errno::result(result).map(drop))
    })
}
