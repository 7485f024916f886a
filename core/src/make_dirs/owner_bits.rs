//! Whether new directories may lack bits of their owner: a umask or a default ACL takes them.

use crate::sys;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The owner may read, write and search a directory until it is complete.
pub(super) const OWNER: u32 = 0o700;

/// What is known of the owner's bits of new directories.
static OWNER_BITS: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const COMPLETE: u8 = 1;
const MAY_BE_MISSING: u8 = 2;

/// Returns whether the umask took bits of the owner when this process made its first directory, or a
/// new directory was without some since.
pub(super) fn may_lack_owner_bits() -> bool {
    if OWNER_BITS.load(Relaxed) == UNKNOWN {
        let takes_some = sys::umask().is_some_and(|umask| umask & OWNER != 0);
        let first = if takes_some { MAY_BE_MISSING } else { COMPLETE };
        let _ = OWNER_BITS.compare_exchange(UNKNOWN, first, Relaxed, Relaxed);
    }
    OWNER_BITS.load(Relaxed) == MAY_BE_MISSING
}

/// Remembers that a new directory lacked bits of its owner: the umask has changed, or the parent has a
/// default ACL.
pub(super) fn remember_missing_owner_bits() {
    OWNER_BITS.store(MAY_BE_MISSING, Relaxed);
}
