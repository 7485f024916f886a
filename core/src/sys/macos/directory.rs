//! The entries of a directory.

pub(crate) use crate::sys::unix::stream::Directory;
