//! The operations, one module each.

pub mod clean;
pub mod copy;
pub mod ensure_dir;
pub mod entries;
pub mod list;
mod failure;
pub mod read;
pub mod remove;
pub mod rename;
pub mod stat;
pub mod walk;
mod tree;
mod two_names;
pub mod write;

pub use failure::Failure;
