//! A published file whose directory is not synced yet.

use super::apply_metadata::Applied;
use super::fsync_errors::{self, Mark};
use super::rules::{Durable, Written};
use super::target::WriteTarget;
use crate::error::Error;
use crate::sys::AsFd;
use crate::temporary::Method;

/// A published file.
pub(super) struct Published {
    pub(super) target: WriteTarget,
    pub(super) applied: Applied,
    pub(super) size: u64,
    pub(super) method: Method,
    pub(super) durable: Durable,
    /// A point in time before its publication.
    pub(super) began: Mark,
}

impl Published {
    pub(super) fn sync_directory(&self) -> Result<Durable, Error> {
        if self.durable != Durable::Full {
            return Ok(self.durable);
        }
        let durable = self.target.sync()?;
        self.confirm(durable)
    }

    /// Returns the durability of this file after a successful sync of its directory.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`]: another sync on the file system has failed since it was published.
    pub(super) fn confirm(&self, synced: Durable) -> Result<Durable, Error> {
        let directory = self.target.directory();
        let is_promised = synced == Durable::Full;
        if is_promised && fsync_errors::has_failed_since(self.began, directory.as_fd()) {
            return Err(self.target.in_doubt());
        }
        Ok(synced)
    }

    pub(super) fn into_written(self, durable: Durable) -> Written {
        let Applied { stat, preserved } = self.applied;
        Written {
            real: self.target.into_real_path(),
            created: preserved.is_none(),
            size: self.size,
            mode: stat.permissions(),
            dev: stat.dev,
            ino: stat.ino,
            method: self.method,
            durable,
            preserved,
        }
    }
}
