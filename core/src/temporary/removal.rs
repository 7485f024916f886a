//! Removes a temporary, or keeps it.

use super::leftover::{Leftover, note, path_now};
use super::{Temporary, with_random_name};
use crate::error::Error;
use crate::sys::{self, AsFd};

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

    /// Keeps the file on disk, and returns its name. Where another file took its name, it gets a
    /// new name with this suffix if possible.
    pub(crate) fn keep(mut self, suffix: &[u8]) -> Option<Vec<u8>> {
        let name = self.name.take()?;
        let fd = self.any_fd()?;
        let own = sys::fstatat(self.dir.as_fd(), &name).ok();
        if own.is_some_and(|own| sys::fstat(fd).is_ok_and(|stat| stat.is_same_object(&own))) {
            return Some(name);
        }
        let again = |name: &[u8]| sys::link_fd(fd, self.dir.as_fd(), name);
        with_random_name(suffix, again).ok().map(|(name, ())| name)
    }

    /// Removes the name, unless it is gone or another file has it. Returns why the file remains,
    /// and keeps the name then.
    fn try_remove(&mut self) -> Option<Leftover> {
        let name = self.name.take().filter(|name| self.may_remove(name))?;
        match sys::unlink_at(self.dir.as_fd(), &name) {
            Err(os) if os.errno != sys::ENOENT => {
                let path = path_now(self.dir.as_fd(), &name);
                self.name = Some(name);
                Some((path, os))
            }
            _ => None,
        }
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
    /// ours, and [`super::reporting_leftovers`] reports it.
    fn drop(&mut self) {
        if let Some(leftover) = self.try_remove() {
            note(leftover);
        }
    }
}
