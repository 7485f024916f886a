//! A temporary file in the directory of its target: named, until it is published or dropped.

use crate::error::Os;
use crate::sys;
use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What every temporary's name begins and ends with; 32 hexadecimal digits stand between.
///
/// The name never derives from the target's, so that it fits wherever the target's does.
const PREFIX: &[u8] = b".holdfast-";
const SUFFIX: &[u8] = b".tmp";

/// How a temporary got its final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `rename(2)`.
    Rename,
    /// `link(2)`, where a rename cannot be told not to replace.
    Link,
}

/// A new file that nobody can guess the name of. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Temporary {
    dir: Arc<OwnedFd>,
    name: Vec<u8>,
    fd: Option<OwnedFd>,
    has_name: bool,
}

impl Temporary {
    /// Creates one with a mode that the umask may narrow.
    ///
    /// 128 random bits do not collide; a name that exists all the same was put there, and the
    /// bound keeps that from holding us.
    pub(crate) fn create(dir: Arc<OwnedFd>, mode: u32) -> Result<Self, Os> {
        const TRIES: u32 = 16;
        let mut tries = 1;
        loop {
            let name = random_name()?;
            match sys::create_at(dir.as_fd(), &name, mode) {
                Ok(fd) => {
                    return Ok(Self {
                        dir,
                        name,
                        fd: Some(fd),
                        has_name: true,
                    });
                }
                Err(os) if os.errno == sys::EEXIST && tries < TRIES => tries += 1,
                Err(os) => return Err(os),
            }
        }
    }

    /// Its name, while it has one.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The open file. After [`Self::close`] there is none, and EBADF is what would be answered.
    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>, Os> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Os {
            errno: nix::libc::EBADF,
            syscall: "write",
        })
    }

    /// Closes the file. NFS, FUSE and quotas report here what they could not write.
    pub(crate) fn close(&mut self) -> Result<(), Os> {
        self.fd.take().map_or(Ok(()), sys::close)
    }

    /// Gives it its final name, over whatever has that name.
    pub(crate) fn publish_over(&mut self, name: &[u8]) -> Result<Method, Os> {
        sys::rename_at(self.dir.as_fd(), &self.name, name)?;
        self.has_name = false;
        Ok(Method::Rename)
    }

    /// Gives it its final name, if nothing has that name; of several who try, one succeeds.
    pub(crate) fn publish_new(&mut self, name: &[u8]) -> Result<Method, Os> {
        match sys::rename_new(self.dir.as_fd(), &self.name, name) {
            Ok(()) => {
                self.has_name = false;
                Ok(Method::Rename)
            }
            // Kernels before 3.15, filters, and file systems that cannot promise it.
            Err(os) if matches!(os.errno, sys::EINVAL | sys::ENOSYS | sys::ENOTSUP) => {
                sys::link_at(self.dir.as_fd(), &self.name, name)?;
                Ok(Method::Link)
            }
            Err(os) => Err(os),
        }
    }
}

impl Drop for Temporary {
    /// Removes the name. Nothing can be done about a failure: the file then stays as a stray of
    /// ours, which its name tells.
    fn drop(&mut self) {
        if self.has_name {
            let _ = sys::unlink_at(self.dir.as_fd(), &self.name);
        }
    }
}

thread_local! {
    /// Random bytes for the names to come, and how many are left: one call to the kernel serves
    /// several names. Should a fork ever share them, `O_EXCL` shows it, and the next name is taken.
    static RANDOM: RefCell<([u8; BATCH], usize)> = const { RefCell::new(([0; BATCH], 0)) };
}

/// Bytes that getrandom(2) gives whole or not at all.
const BATCH: usize = 256;
const BYTES_OF_A_NAME: usize = 16;

fn random_bytes() -> Result<[u8; BYTES_OF_A_NAME], Os> {
    RANDOM.with_borrow_mut(|(bytes, left)| {
        if *left < BYTES_OF_A_NAME {
            sys::fill_random(bytes)?;
            *left = BATCH;
        }
        *left -= BYTES_OF_A_NAME;
        let mut taken = [0; BYTES_OF_A_NAME];
        taken.copy_from_slice(&bytes[*left..*left + BYTES_OF_A_NAME]);
        Ok(taken)
    })
}

fn random_name() -> Result<Vec<u8>, Os> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut name = Vec::with_capacity(PREFIX.len() + 32 + SUFFIX.len());
    name.extend_from_slice(PREFIX);
    for byte in random_bytes()? {
        name.push(DIGITS[usize::from(byte >> 4)]);
        name.push(DIGITS[usize::from(byte & 0xf)]);
    }
    name.extend_from_slice(SUFFIX);
    Ok(name)
}
