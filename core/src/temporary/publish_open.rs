//! Publishes a file that stays open and has one name at every moment.

use super::{Attempt, Temporary};
use crate::error::Os;
use crate::sys::{self, AsFd, OwnedFd};

impl Temporary {
    /// Returns whether it was created without a name. The kernel's path of its descriptor is none of its
    /// later names.
    pub(crate) fn began_without_name(&self) -> bool {
        self.created.is_some()
    }

    /// Publishes the file if the final name is free, and returns it open. `None` where this file system
    /// cannot do so without a second name for a moment.
    ///
    /// # Errors
    ///
    /// EEXIST where the name is taken; otherwise what the system returned.
    pub(crate) fn publish_open(mut self, name: &[u8]) -> Result<Option<OwnedFd>, Os> {
        let is_published = match &self.name {
            None => matches!(self.link_unnamed(name)?, Attempt::Published(_)),
            Some(own) => {
                let dir = self.dir.as_fd();
                match sys::rename_new(dir, own, dir, name) {
                    Ok(()) => {
                        self.name = None;
                        true
                    }
                    Err(os) if os.errno == sys::EEXIST => return Err(os),
                    Err(_) => false,
                }
            }
        };
        Ok(if is_published { self.fd.take() } else { None })
    }
}
