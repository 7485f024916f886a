//! Opens a root beneath another one.

use super::entries::open_directory;
use super::stat::final_link;
use crate::error::Error;
use crate::path;
use crate::resolve::{Root, Scope};
use crate::sys::{self, AsFd, OFlag};

/// Opens a directory beneath the root of a scope as a root of its own. The final symlink is
/// followed as the policy says.
///
/// # Errors
///
/// As [`list`](super::list::list), for a root that was removed too.
pub fn open(scope: &Scope<'_>, raw: &[u8]) -> Result<Root, Error> {
    let located = scope.locate(raw)?;
    let last = final_link(scope);
    let readable = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let found = match open_directory("open", scope, &located, readable, last) {
        // It need not be readable.
        Err(error) if error.errno() == Some(sys::DENIED) => {
            open_directory("open", scope, &located, sys::SEARCH_ONLY, last)
        }
        result => result,
    }?;
    let real = scope.real_path(&located.text, &found);
    let given = match scope.root {
        Some(root) => path::join(root.given(), &located.text).into_owned(),
        None => located.text.into_owned(),
    };
    let stat = sys::statx(found.fd.as_fd())?;
    scope.refuse_removed_root(&stat, "open")?;
    Ok(Root::from_fd(found.fd, &stat, given, real))
}
