//! A dry run of `list`: ends before the first entry.

use crate::error::Error;
use crate::ops::entries;
use crate::resolve::Scope;

/// Opens a directory as [`crate::ops::list::list`] would, and reads no entry.
///
/// # Errors
///
/// Those that it would return, without [`crate::error::Code::TooLarge`].
pub fn list(scope: &Scope<'_>, raw: &[u8]) -> Result<(), Error> {
    let directory = entries::open(scope, &scope.locate(raw)?)?;
    entries::refuse_removed(&directory)
}
