//! The operations, one module each.

pub mod clean;
pub mod ensure_dir;
pub mod entries;
pub mod list;
pub mod read;
pub mod stat;
pub mod walk;
pub mod write;
