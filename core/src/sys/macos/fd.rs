//! Descriptors.

pub(crate) use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
