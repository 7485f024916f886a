//! Linux: `openat2(RESOLVE_CACHED)`, `statx(AT_STATX_DONT_SYNC)` and `preadv2(RWF_NOWAIT)`.

mod directory;
mod open;
mod read;
mod target_key;

pub use directory::{ensure_dir, open_root, stat};
pub use open::{HeldParent, probe_locality};
pub use read::{InMemory, open_file};
pub(crate) use target_key::find_target_key;
