//! Variants of the verbs that never block, for a thread that must not wait.
//!
//! An event loop may make calls that cannot block, which is much cheaper than a thread pool. This
//! module makes no call to a file system that is not known to be local:
//!
//! - `openat2(RESOLVE_CACHED)` resolves in the kernel's caches alone.
//! - `RESOLVE_NO_XDEV` keeps the real open on the mount whose kind is known.
//! - `preadv2(RWF_NOWAIT)` reads the page cache alone.
//!
//! Every uncertain case and every refusal is [`Cached::NotCached`]. The caller then runs the
//! ordinary verb on a thread that may block, and uses its result.
//!
//! [`probe_locality`] determines the kind of file system of a mount. It may block.

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

pub use platform::{HeldParent, InMemory, ensure_dir, open_file, open_root, probe_locality, stat};

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
