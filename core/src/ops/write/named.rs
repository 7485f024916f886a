//! What has the name of a write right before its publication.

use super::target::WriteTarget;
use crate::error::Error;
use crate::sys::{self, AsFd, OFlag, Stat};

/// Decides right before publication whether the write may replace what has the name.
pub type Check<'a> = &'a dyn Fn(&Named<'_>) -> Result<(), Error>;

/// What has the name that a write is about to take.
#[derive(Debug)]
pub struct Named<'a> {
    target: &'a WriteTarget,
    stat: Option<Stat>,
}

impl<'a> Named<'a> {
    pub(super) fn new(target: &'a WriteTarget) -> Result<Self, Error> {
        Ok(Self {
            target,
            stat: target.stat()?,
        })
    }

    /// Returns its stat; `None` where nothing has the name.
    #[must_use]
    pub fn stat(&self) -> Option<&Stat> {
        self.stat.as_ref()
    }

    /// Returns device and inode of the directory.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn directory(&self) -> Result<(u64, u64), Error> {
        Ok(self.target.identity()?)
    }

    /// Returns whether a file has the name, and this content.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn has_content(&self, content: &[u8]) -> Result<bool, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let dir = self.target.directory();
        let fd = match sys::open_at(dir.as_fd(), self.target.name(), flags) {
            Ok(fd) => fd,
            Err(os) if matches!(os.errno, sys::ENOENT | sys::ELOOP) => return Ok(false),
            Err(os) => return Err(os.into()),
        };
        // One byte more shows a file that grew.
        let mut buf = vec![0; content.len() + 1];
        let mut length = 0;
        while length < buf.len() {
            match sys::read_at(fd.as_fd(), &mut buf[length..], length as u64)? {
                0 => break,
                count => length += count,
            }
        }
        Ok(buf[..length] == *content)
    }
}
