//! The names in a directory.

pub(crate) use crate::sys::unix::list::*;
