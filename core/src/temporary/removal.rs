//! Removes a temporary, and reports one that could not be removed.
//!
//! A drop returns nothing, so it leaves the fact to its thread. [`reporting_leftovers`] surrounds each step of a
//! write that may drop a temporary on that thread.

use super::Temporary;
use crate::error::{Error, Os};
use crate::path;
use crate::sys::{self, AsFd};
use std::cell::RefCell;

/// Full path of a temporary, and why it was not removed.
type Leftover = (Vec<u8>, Os);

thread_local! {
    /// The first one of the running step.
    static LEFTOVER: RefCell<Option<Leftover>> = const { RefCell::new(None) };
}

/// Runs a step of a write. Its error tells which temporary the step could not remove.
pub(crate) fn reporting_leftovers<T>(step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    LEFTOVER.take();
    step().map_err(|error| match LEFTOVER.take() {
        Some(leftover) => error.leaving(|remains| remains.temporary = Some(leftover)),
        None => error,
    })
}

impl Temporary {
    /// Closes the file, and removes its name. After a failure the call can be repeated, and
    /// [`crate::ops::clean`] may remove the file.
    ///
    /// # Errors
    ///
    /// What the system returned, with the path of the file that remains.
    pub(crate) fn remove(&mut self) -> Result<(), Error> {
        let failed = self.try_remove();
        self.fd = None;
        self.kept = None;
        self._lock = None;
        match failed {
            Some((path, os)) => {
                Err(Error::from(os).leaving(|remains| remains.temporary = Some((path, os))))
            }
            None => Ok(()),
        }
    }

    /// Removes the name, unless it is gone or another file has it. Returns why the file remains,
    /// and keeps the name then.
    fn try_remove(&mut self) -> Option<Leftover> {
        let name = self.name.take().filter(|name| self.may_remove(name))?;
        match sys::unlink_at(self.dir.as_fd(), &name) {
            Err(os) if os.errno != sys::ENOENT => {
                let path = self.path_now(&name);
                self.name = Some(name);
                Some((path, os))
            }
            _ => None,
        }
    }

    /// Returns the path of a name in the directory, as of now; the name alone where the path of the
    /// directory is unknown.
    fn path_now(&self, name: &[u8]) -> Vec<u8> {
        sys::fd_path(self.dir.as_fd()).map_or_else(
            |_| name.to_vec(),
            |directory| path::join(&directory, name).into_owned(),
        )
    }

    /// Returns whether the name may be removed: not where another file has it now.
    fn may_remove(&self, name: &[u8]) -> bool {
        let Some(fd) = self.any_fd().filter(|_| !self.is_shared) else {
            return true;
        };
        match (sys::fstat(fd), sys::fstatat(self.dir.as_fd(), name)) {
            (Ok(own), Ok(seen)) => own.is_same_object(&seen),
            _ => true,
        }
    }
}

impl Drop for Temporary {
    /// Removes the name. A failure leaves the file behind; its name marks it as a temporary of
    /// ours, and [`reporting_leftovers`] reports it.
    fn drop(&mut self) {
        if let Some(leftover) = self.try_remove() {
            LEFTOVER.with_borrow_mut(|noted| {
                noted.get_or_insert(leftover);
            });
        }
    }
}
