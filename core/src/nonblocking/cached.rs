//! The result of a call that may only use the kernel's caches.

/// A result from the kernel's caches.
#[derive(Debug)]
pub enum Cached<T> {
    /// The result.
    Known(T),
    /// The ordinary verb is needed. True: call [`probe_locality`] first, since the mount is not known yet.
    NotCached(bool),
}
