//! Reads a file whose content is in the page cache.

use super::open::{HeldParent, NOT_IN_MEMORY, NotCached, locate, open};
use crate::nonblocking::cached::Cached;
use crate::ops::read::{self, OpenFile, Rules};
use crate::resolve::{Found, Scope};
use crate::sys::{self, Locality};
use std::io::IoSliceMut;
use std::os::fd::AsFd;

/// Size limit in bytes for reads on the calling thread. A copy of this size takes some tens of
/// microseconds.
const MAX_BYTES: u64 = 256 * 1024;

/// A file that passed the rules, and its locality.
#[derive(Debug)]
pub struct InMemory {
    /// The file.
    pub file: OpenFile,
    is_memory: bool,
    by_parent: bool,
}

/// Opens a file under the rules, through the kernel's caches alone.
///
/// `held` is for the files of a batch whose calls all began before its first file was opened: of two
/// files in one directory, the second is opened from the directory that the first was found in.
#[must_use]
pub fn open_file(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    held: Option<&mut HeldParent>,
) -> Cached<InMemory> {
    match try_open_file(scope, raw, rules, held) {
        Ok(file) => Cached::Known(file),
        Err(not_cached) => not_cached.into(),
    }
}

fn try_open_file(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    held: Option<&mut HeldParent>,
) -> Result<InMemory, NotCached> {
    let located = locate(scope, raw)?;
    read::refuse_by_text(scope, &located).map_err(|_| NOT_IN_MEMORY)?;
    let opened = open(scope, &located.text, held)?;
    let stat = sys::statx(opened.fd.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    let found = Found {
        fd: opened.fd,
        is_exact: true,
    };
    // Pseudo file systems are never local, so the check is not needed.
    let local_rules = Rules {
        allow_pseudo: true,
        ..*rules
    };
    if read::judge(&found, &stat, &local_rules).is_err() {
        return Err(NOT_IN_MEMORY);
    }
    let real = scope.other_path(&located, &found);
    Ok(InMemory {
        file: OpenFile::judged(found.fd, stat, real),
        is_memory: opened.locality == Locality::Memory,
        by_parent: opened.by_parent,
    })
}

impl InMemory {
    /// Returns whether the directory of the file was opened first, so that a batch of reads in that
    /// directory is faster with a [`HeldParent`].
    #[must_use]
    pub fn is_by_parent(&self) -> bool {
        self.by_parent
    }

    /// Returns whether the file is small enough to be copied on the calling thread.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.file.size() <= MAX_BYTES
    }

    /// Reads the whole content into `buf`, which must be at least as long as the size. Returns
    /// `None` when some of it is not cached, or the size has changed.
    #[must_use]
    pub fn read(&self, buf: &mut [u8]) -> Option<usize> {
        let fd = self.file.as_fd();
        // One byte more shows whether the file has grown; a single buffer is cheaper than two.
        let mut probe = [0_u8; 1];
        let is_longer = buf.len() as u64 > self.file.size();
        let mut bufs = [IoSliceMut::new(buf), IoSliceMut::new(&mut probe)];
        let count = if is_longer { 1 } else { 2 };
        // tmpfs does not support RWF_NOWAIT, and never blocks.
        let count = sys::read_from_start(fd, &mut bufs[..count], self.is_memory);
        let is_whole = |count: &usize| *count as u64 == self.file.size();
        count.ok().filter(is_whole)
    }
}
