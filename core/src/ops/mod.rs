//! The operations, one module each.

pub mod append;
pub mod clean;
pub mod copy;
pub mod ensure_dir;
pub mod entries;
mod failure;
pub mod list;
pub mod lock;
pub mod read;
pub mod remove;
pub mod rename;
pub mod stat;
pub mod sub_root;
pub mod temp_root;
mod tree;
pub(crate) mod two_names;
pub mod walk;
pub mod write;

pub use failure::Failure;
