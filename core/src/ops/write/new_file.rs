//! The temporary of a write: created and filled.

use super::apply_metadata::OldFile;
use super::rules::{Durable, Rules};
use super::target::WriteTarget;
use crate::error::{Error, Os};
use crate::make_dirs;
use crate::sys::{self, AsFd};
use crate::temporary::{Purpose, Temporary};

/// Makes the temporary, and says why where the open directory takes no new name.
pub(super) fn create_temporary(
    target: &WriteTarget,
    mode: u32,
    purpose: Purpose,
) -> Result<Temporary, Error> {
    Temporary::create(target.directory(), mode, purpose)
        .map_err(|os| make_dirs::classify_creation(target.directory().as_fd(), os))
}

/// The same for one that takes its time, see [`Temporary::create_locked`].
pub(super) fn create_locked_temporary(
    target: &WriteTarget,
    mode: u32,
    purpose: Purpose,
) -> Result<Temporary, Error> {
    Temporary::create_locked(target.directory(), mode, purpose)
        .map_err(|os| make_dirs::classify_creation(target.directory().as_fd(), os))
}

pub(super) fn write_all(temporary: &Temporary, mut data: &[u8]) -> Result<(), Error> {
    let fd = temporary.fd()?;
    while !data.is_empty() {
        let count = sys::write(fd, data)?;
        if count == 0 {
            // No file system should; an endless loop must not be the answer if one does.
            return Err(Os {
                errno: sys::EIO,
                syscall: "write",
            }
            .into());
        }
        data = &data[count..];
    }
    Ok(())
}

/// What a temporary is for that replaces `target`.
pub(super) fn purpose(rules: &Rules, old_file: Option<&OldFile>) -> Purpose {
    match old_file {
        None => Purpose::New,
        Some(old_file) => Purpose::Replacement {
            mount: old_file.stat.mount,
            is_synced: rules.durable != Durable::No,
        },
    }
}
