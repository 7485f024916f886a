//! Keeps the descriptors of appends that follow one another, so that the next one to the same path opens
//! nothing.
//!
//! A kept descriptor holds a removed log on its disk and a file system on its mount, so that only paths
//! that were appended to twice have any, until the caller appends no more ([`forget`]). Nothing is
//! assumed about one: each append compares directory, lock file and file with their names as if it had
//! just opened them.

use super::key::Key;
use super::target::AppendTarget;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of paths that are remembered at most.
const MAX_PATHS: usize = 16;

/// A path that was appended to recently.
struct Recent {
    key: Key,
    /// Its descriptors, from the second append on.
    target: Option<AppendTarget>,
}

static RECENT: Mutex<Vec<Recent>> = Mutex::new(Vec::new());

/// Counts the calls of [`forget`]: a target that was in use meanwhile is not kept.
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

fn recent() -> MutexGuard<'static, Vec<Recent>> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An append to a path that has a key.
pub(super) struct Use {
    key: Key,
    /// Another append to the path was the last one or one of the last.
    is_repeated: bool,
    generation: u64,
}

impl Use {
    /// Begins an append. Returns the descriptors of the last one, where they were kept.
    pub(super) fn begin(key: Key) -> (Self, Option<AppendTarget>) {
        let mut recent = recent();
        let index = recent.iter().rposition(|recent| recent.key == key);
        let found = index.map(|index| recent.remove(index));
        let generation = FORGOTTEN.load(Ordering::SeqCst);
        drop(recent);
        let started = Self {
            key,
            is_repeated: found.is_some(),
            generation,
        };
        let kept = found.and_then(|found| found.target);
        (started, kept.map(AppendTarget::into_kept))
    }

    /// Ends an append, in exchange for the path that was unused for the longest time. Keeps the
    /// descriptors if the append was not the first one of its path and [`forget`] was not called since.
    pub(super) fn end(self, target: AppendTarget) {
        let mut recent = recent();
        if self.generation != FORGOTTEN.load(Ordering::SeqCst) {
            return;
        }
        let oldest = (recent.len() >= MAX_PATHS).then(|| recent.remove(0));
        let (target, unkept) = if self.is_repeated {
            (Some(target), None)
        } else {
            (None, Some(target))
        };
        recent.push(Recent {
            key: self.key,
            target,
        });
        drop(recent);
        drop((oldest, unkept));
    }
}

/// Closes all descriptors that are kept.
pub fn forget() {
    let mut held = recent();
    FORGOTTEN.fetch_add(1, Ordering::SeqCst);
    let gone = std::mem::take(&mut *held);
    drop(held);
    drop(gone);
}

/// Closes the descriptors beneath one root.
pub fn forget_root(number: u64) {
    let mut held = recent();
    let gone: Vec<Recent> = held
        .extract_if(.., |recent| recent.key.root() == number)
        .collect();
    drop(held);
    drop(gone);
}
