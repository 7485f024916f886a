//! Keeps the descriptors of the last appends, so that the next one to the same path opens nothing.
//!
//! Nothing is assumed about a kept descriptor: each append compares directory, lock file and file with
//! their names as if it had just opened them. The caller lets all go once it appends no more
//! ([`forget`]): a kept descriptor holds a removed log on its disk, and a file system on its mount.

use super::key::Key;
use super::place::Place;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most places that are kept.
const MOST: usize = 16;

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// Counts the calls of [`forget`]: a place that was in use meanwhile is not kept.
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

fn places() -> MutexGuard<'static, Vec<Place>> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns how often all descriptors were closed.
pub(super) fn generation() -> u64 {
    FORGOTTEN.load(Ordering::SeqCst)
}

/// Takes the place of a key, for one append.
pub(super) fn take(key: &Key) -> Option<Place> {
    let mut places = places();
    let index = places.iter().rposition(|place| place.key() == Some(key))?;
    Some(places.remove(index).into_kept())
}

/// Keeps a place that has a key, in exchange for the one that was unused for the longest time. A place
/// of an earlier generation is closed.
pub(super) fn put(place: Place, generation: u64) {
    if place.key().is_none() {
        return;
    }
    let mut places = places();
    if generation != FORGOTTEN.load(Ordering::SeqCst) {
        return;
    }
    let oldest = (places.len() >= MOST).then(|| places.remove(0));
    places.push(place);
    drop(places);
    drop(oldest);
}

/// Closes all descriptors that are kept.
pub fn forget() {
    let mut held = places();
    FORGOTTEN.fetch_add(1, Ordering::SeqCst);
    let gone = std::mem::take(&mut *held);
    drop(held);
    drop(gone);
}

/// Closes the descriptors beneath one root.
pub fn forget_root(number: u64) {
    let mut held = places();
    let gone: Vec<Place> = held
        .extract_if(.., |place| {
            place.key().is_some_and(|key| key.root() == number)
        })
        .collect();
    drop(held);
    drop(gone);
}
