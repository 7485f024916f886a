//! A result from memory, or that there is none.

/// An answer from memory.
#[derive(Debug)]
pub enum Cached<T> {
    /// This is it.
    Known(T),
    /// It takes the ordinary verb. True: [`learn`] first, the mount is not known yet.
    NotCached(bool),
}
