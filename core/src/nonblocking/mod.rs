//! The verbs' answers from memory, for a thread that must not wait.
//!
//! An event loop may do itself what cannot block, and that is much cheaper than a trip to a pool
//! of threads. Here nothing is asked of a file system that is not known to be local:
//! `openat2(RESOLVE_CACHED)` resolves in the kernel's memory alone, `RESOLVE_NO_XDEV` keeps the
//! real open on the mount whose kind is known, and `preadv2(RWF_NOWAIT)` reads the page cache
//! alone. Whatever is not certain, every refusal included, is answered [`Cached::NotCached`]: the
//! caller then asks the ordinary verb where waiting does no harm, and gets the answer from there.
//!
//! What kind of file system a mount has is learned by [`learn`], which asks, and may wait.

mod cached;
#[cfg(target_os = "linux")]
mod linux;
mod target_key;
#[cfg(not(target_os = "linux"))]
mod unsupported;

pub use cached::Cached;
pub use target_key::{Base, LastName};

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use unsupported as platform;

pub use platform::{InMemory, ensure_dir, learn, open_file, open_root, stat};

use crate::ops::write::TargetKey;
use crate::resolve::Policy;

/// Finds the file that a path names now.
#[must_use]
pub fn find_target_key(base: Base<'_>, policy: Policy, raw: &[u8], last: LastName) -> TargetKey {
    let found = platform::find_target_key(base, policy, raw, last);
    found.unwrap_or(if last.follows || last.wants_file {
        TargetKey::Unknown
    } else {
        TargetKey::NameOnly
    })
}
