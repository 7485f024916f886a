//! Symlinks, read by name: no call opens a symlink itself.

pub(crate) use crate::sys::unix::by_name::{open_path_only, read_link};

/// Returns false: there is no `fs.protected_symlinks`.
pub(crate) fn protects_symlinks() -> bool {
    false
}
