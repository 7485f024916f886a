//! Reading a file whose content is in memory.

use super::open::{NOT_IN_MEMORY, NotCached, locate, open};
use crate::nonblocking::cached::Cached;
use crate::ops::read::{self, OpenFile, Rules};
use crate::resolve::{Found, Scope};
use crate::sys::{self, Locality};
use std::io::IoSliceMut;
use std::os::fd::AsFd;

/// Most bytes that are read on the calling thread. Copying them takes some tens of microseconds.
const MOST_BYTES: u64 = 256 * 1024;

/// A file that passed the rules, and its locality.
#[derive(Debug)]
pub struct InMemory {
    /// The file.
    pub file: OpenFile,
    is_memory: bool,
}

/// Opens a file under the rules, from memory alone.
#[must_use]
pub fn open_file(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Cached<InMemory> {
    match try_open_file(scope, raw, rules) {
        Ok(file) => Cached::Known(file),
        Err(not_cached) => not_cached.into(),
    }
}

fn try_open_file(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<InMemory, NotCached> {
    let located = locate(scope, raw)?;
    read::refuse_by_text(scope, &located).map_err(|_| NOT_IN_MEMORY)?;
    let (fd, locality) = open(scope, &located.text)?;
    let stat = sys::statx(fd.as_fd()).map_err(|_| NOT_IN_MEMORY)?;
    let found = Found { fd, is_exact: true };
    // Pseudo file systems are never local, so they need not be asked for.
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
        is_memory: locality == Locality::Memory,
    })
}

impl InMemory {
    /// Whether it is small enough to be copied on the calling thread.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.file.size() <= MOST_BYTES
    }

    /// Reads everything into `place`, which must not be shorter than the size. `None`: not all of
    /// it is in memory, or it is not what its size says.
    #[must_use]
    pub fn read(&self, place: &mut [u8]) -> Option<usize> {
        let fd = self.file.as_fd();
        // One byte more shows whether the file has grown; one place costs less than two.
        let mut probe = [0_u8; 1];
        let is_longer = place.len() as u64 > self.file.size();
        let mut places = [IoSliceMut::new(place), IoSliceMut::new(&mut probe)];
        let count = if is_longer { 1 } else { 2 };
        // Memory cannot tell whether it would wait, and never does.
        let count = sys::read_from_start(fd, &mut places[..count], self.is_memory);
        let is_whole = |count: &usize| *count as u64 == self.file.size();
        count.ok().filter(is_whole)
    }
}
