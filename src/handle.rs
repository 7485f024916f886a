//! What a handle of JavaScript holds, until it is taken, closed or collected.

use crate::panic::caught;
use holdfast_core::error::{Code, Error};
use holdfast_core::failpoint;
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::External;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place for one thing. Whatever is still in it when the collector, or the end of the
/// environment, drops the handle, is dropped then: descriptors close and temporaries go.
pub struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    /// A place with something in it.
    pub(crate) fn new(thing: T) -> Self {
        Self(Mutex::new(Some(thing)))
    }

    /// What is in it, and no longer is.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    /// Puts something back that was taken.
    pub(crate) fn put(&self, thing: T) {
        *self.lock() = Some(thing);
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // Nothing is done under the lock that could leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Slot<T> {
    /// What is in it.
    pub(crate) fn get(&self) -> Option<T> {
        self.lock().clone()
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let thing = self.take();
        // The collector's frames are no place for a panic to go through, and there is nobody to
        // be told of one; the panic hook has printed it.
        let _ = caught(|| {
            failpoint::hit("finalizer");
            drop(thing);
        });
    }
}

/// A root that JavaScript holds, until it closes it.
pub type RootHandle = External<Slot<Arc<Root>>>;

/// The root of a call, taken when the call is made: closing it later does not concern the call.
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
