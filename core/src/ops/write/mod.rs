//! Replaces a file atomically: at any instant the name shows either the old or the new content,
//! whole.
//!
//! 1. `openat2` of the parent directory under the scope's policy ([`target`]).
//! 2. `fstatat` of the name.
//! 3. A temporary file in that directory, by descriptor; unnamed where that costs nothing.
//! 4. Owner, ACL and mode through its descriptor, before any content ([`apply_metadata`]).
//! 5. The content; `fsync` when durable; `close`, whose return value is checked.
//! 6. `linkat` of an unnamed file; `renameat` of a named one; or `renameat2(RENAME_NOREPLACE)`
//!    where nothing may be replaced.
//! 7. `fsync` of the directory when durable.
//!
//! A failure before step 6 leaves the old file and no temporary. After step 6 nothing is done by
//! path. A write that took long re-checks its directory and its target before step 6
//! ([`prepared`]). A target that cannot be renamed over is written in place if the caller allows it
//! ([`in_place`]).

pub(super) mod apply_metadata;
mod batch;
mod compared;
pub(super) mod directory_sync;
mod exchange;
mod fill_temporary;
pub(super) mod fsync_errors;
mod in_place;
mod named;
pub(crate) mod parent;
mod prepared;
mod published;
mod rules;
mod single;
mod stage;
mod swapped_in_file;
mod target;

pub use crate::temporary::Method;
#[cfg(target_os = "linux")]
pub(crate) use apply_metadata::OldFile;
pub use batch::{Item, write_many};
#[cfg(target_os = "linux")]
pub(crate) use in_place::check_overwritable;
pub use named::{Check, Named, content_hash};
pub use rules::{Durable, FinalSymlink, IsAborted, Preserved, Rules, TargetKey, Written};
pub(in crate::ops) use single::write_with;
pub use single::{find_target, write, write_checked};
pub use stage::Stage;
pub(crate) use target::WriteTarget;
pub(in crate::ops) use target::check_held;
