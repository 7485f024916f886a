//! Links, read by name: nothing opens a link itself.

pub(crate) use crate::sys::unix::by_name::{hold_at, read_link};

/// There is no `fs.protected_symlinks`.
pub(crate) fn protects_symlinks() -> bool {
    false
}
