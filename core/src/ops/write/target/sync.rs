//! Syncs the directory of a write.

use super::WriteTarget;
use crate::error::{Code, Error};
use crate::ops::write::directory_sync::{DOUBTFUL_SYNC, cannot_be_synced};
use crate::ops::write::fsync_errors;
use crate::ops::write::rules::Durable;

impl WriteTarget {
    /// Syncs the directory after publication.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`].
    pub(in crate::ops::write) fn sync(&self) -> Result<Durable, Error> {
        if !self.can_sync {
            return Ok(Durable::No);
        }
        match fsync_errors::sync_directory(self.parent.as_fd()) {
            Ok(()) => Ok(Durable::Full),
            Err(os) if cannot_be_synced(os.errno) => Ok(Durable::No),
            Err(os) => {
                if let Some(root) = self.parent.root() {
                    root.renew();
                }
                Err(Error::refused_by(Code::NotDurable, "", os))
            }
        }
    }

    /// Returns the error for a successful sync when another one on the same file system has failed:
    /// [`Code::NotDurable`], as if this sync had failed too.
    pub(in crate::ops::write) fn in_doubt(&self) -> Error {
        if let Some(root) = self.parent.root() {
            root.renew();
        }
        Error::refused_by(Code::NotDurable, "", DOUBTFUL_SYNC)
    }
}
