//! The ids of this process, and random bytes.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::procfs::read_entry;
use crate::error::Os;
use crate::sys::unix::{named, uninterrupted};
use nix::errno::Errno;
use nix::libc;

/// Returns the supplementary groups; empty where they cannot be read.
pub(crate) fn effective_groups() -> Vec<u32> {
    nix::unistd::getgroups()
        .map(|groups| groups.iter().map(|gid| gid.as_raw()).collect())
        .unwrap_or_default()
}

/// Returns the umask; `None` where it cannot be read without changing it.
pub(crate) fn umask() -> Option<u32> {
    let status = read_entry(b"status").ok()?;
    let text = String::from_utf8_lossy(&status);
    let digits = text.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(digits.trim(), 8).ok()
}

/// Fills a buffer from the kernel's random generator, for unguessable names.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    uninterrupted(|| {
        // SAFETY: pointer and length describe bytes that are exclusive and outlive the call. Up to
        // 256 of them are filled whole or not at all.
        let result =
            unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), 0) };
        named("getrandom", Errno::result(result).map(drop))
    })
}
