//! Keeps the descriptors of the last appends, so that the next one to the same path opens nothing.
//!
//! Nothing is assumed about a kept descriptor: each append compares directory, lock file and file with
//! their names as if it had just opened them. The caller lets all go once it appends no more
//! ([`forget`]): a kept descriptor holds a removed log on its disk, and a file system on its mount.

use super::key::Key;
use super::target::AppendTarget;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of targets that are kept at most.
const MAX_TARGETS: usize = 16;

static TARGETS: Mutex<Vec<AppendTarget>> = Mutex::new(Vec::new());

/// Counts the calls of [`forget`]: a target that was in use meanwhile is not kept.
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

fn targets() -> MutexGuard<'static, Vec<AppendTarget>> {
    TARGETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns how often all descriptors were closed.
pub(super) fn generation() -> u64 {
    FORGOTTEN.load(Ordering::SeqCst)
}

/// Takes the target of a key, for one append.
pub(super) fn take(key: &Key) -> Option<AppendTarget> {
    let mut targets = targets();
    let index = targets
        .iter()
        .rposition(|target| target.key() == Some(key))?;
    Some(targets.remove(index).into_kept())
}

/// Keeps a target that has a key, in exchange for the one that was unused for the longest time. A target
/// of an earlier generation is closed.
pub(super) fn put(target: AppendTarget, generation: u64) {
    if target.key().is_none() {
        return;
    }
    let mut targets = targets();
    if generation != FORGOTTEN.load(Ordering::SeqCst) {
        return;
    }
    let oldest = (targets.len() >= MAX_TARGETS).then(|| targets.remove(0));
    targets.push(target);
    drop(targets);
    drop(oldest);
}

/// Closes all descriptors that are kept.
pub fn forget() {
    let mut held = targets();
    FORGOTTEN.fetch_add(1, Ordering::SeqCst);
    let gone = std::mem::take(&mut *held);
    drop(held);
    drop(gone);
}

/// Closes the descriptors beneath one root.
pub fn forget_root(number: u64) {
    let mut held = targets();
    let gone: Vec<AppendTarget> = held
        .extract_if(.., |target| {
            target.key().is_some_and(|key| key.root() == number)
        })
        .collect();
    drop(held);
    drop(gone);
}
