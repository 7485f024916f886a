//! What has the name of a write right before its publication.

use super::target::WriteTarget;
use crate::error::Error;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, Stat};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Bytes that are hashed at once. The same everywhere: a `Hasher` may depend on how its input is divided.
const CHUNK: usize = 64 * 1024;

static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

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

    /// Returns the [`content_hash`] of the file that has the name, and of at most `limit` bytes of it;
    /// `None` where a link or nothing has the name.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn content_hash(&self, limit: usize) -> Result<Option<u64>, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let dir = self.target.directory();
        let fd = match sys::open_at(dir.as_fd(), self.target.name(), flags) {
            Ok(fd) => fd,
            Err(os) if matches!(os.errno, sys::ENOENT | sys::ELOOP) => return Ok(None),
            Err(os) => return Err(os.into()),
        };
        let mut hasher = KEY.build_hasher();
        let mut buf = vec![0; limit.min(CHUNK)];
        let mut total = 0;
        while total < limit {
            let wanted = buf.len().min(limit - total);
            let count = read_whole(fd.as_fd(), &mut buf[..wanted], total as u64)?;
            hasher.write(&buf[..count]);
            total += count;
            if count < wanted {
                break;
            }
        }
        Ok(Some(hasher.finish()))
    }
}

/// Reads until the buffer is full or the file ends. Returns the number of bytes.
fn read_whole(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize, Error> {
    let mut length = 0;
    while length < buf.len() {
        match sys::read_at(fd, &mut buf[length..], offset + length as u64)? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Returns a hash of a content, with a random key of this process. A comparison by it needs no copy of the content.
#[must_use]
pub fn content_hash(content: &[u8]) -> u64 {
    let mut hasher = KEY.build_hasher();
    for chunk in content.chunks(CHUNK) {
        hasher.write(chunk);
    }
    hasher.finish()
}
