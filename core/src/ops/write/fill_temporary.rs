//! Creates and fills the temporary of a write.

use super::apply_metadata::OldFile;
use super::rules::{Durable, Rules};
use super::target::WriteTarget;
use crate::error::{Error, Os};
use crate::make_dirs;
use crate::sys::{self, AsFd};
use crate::temporary::{Purpose, Temporary};

/// Creates the temporary. On failure, returns why the open directory accepts no new name.
pub(super) fn create_temporary(
    target: &WriteTarget,
    mode: u32,
    purpose: Purpose,
) -> Result<Temporary, Error> {
    Temporary::create(target.directory(), mode, purpose)
        .map_err(|os| make_dirs::classify_creation(target.directory().as_fd(), os))
}

/// Creates the temporary of a stream or staged file, see [`Temporary::create_locked`].
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
            // A file system that writes 0 bytes without an error would cause an endless loop.
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

/// Returns the purpose of a temporary that replaces `target`.
pub(super) fn purpose(rules: &Rules, old_file: Option<&OldFile>) -> Purpose {
    match old_file {
        None => Purpose::New,
        Some(old_file) => Purpose::Replacement {
            mount: old_file.stat.mount,
            is_synced: rules.durable != Durable::No,
        },
    }
}
