//! The content of a JavaScript handle, until it is taken, closed or collected.

use crate::panic::caught;
use holdfast_core::error::{Code, Error};
use holdfast_core::failpoint;
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::External;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds one value. When the garbage collector or the end of the environment drops the handle, a
/// value still in it is dropped: descriptors close, and temporaries are removed.
pub struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    /// Creates a slot with a value.
    pub(crate) fn new(thing: T) -> Self {
        Self(Mutex::new(Some(thing)))
    }

    /// Creates a slot without a value.
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// Removes and returns the value.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    /// Returns a value that was taken.
    pub(crate) fn put(&self, thing: T) {
        *self.lock() = Some(thing);
    }

    /// Calls a function with the value, if it is there.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().as_mut().map(call)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // No code under the lock can leave the value half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Slot<T> {
    /// Returns a clone of the value.
    pub(crate) fn get(&self) -> Option<T> {
        self.lock().clone()
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let thing = self.take();
        // A panic must not unwind through the collector's frames, and there is no caller to report
        // it to. The panic hook has printed it.
        let _ = caught(|| {
            failpoint::hit("finalizer");
            drop(thing);
        });
    }
}

/// A root that JavaScript holds until it closes it.
pub type RootHandle = External<Slot<Arc<Root>>>;

/// Clones the root when a call is made, so that closing it later does not affect the call.
///
/// # Errors
///
/// [`Code::RootClosed`].
pub(crate) fn clone_root(
    root: Option<&RootHandle>,
) -> std::result::Result<Option<Arc<Root>>, Error> {
    root.map(|root| {
        root.get()
            .ok_or_else(|| Error::refused(Code::RootClosed, ""))
    })
    .transpose()
}
