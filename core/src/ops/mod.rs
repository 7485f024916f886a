//! The operations, one module each.

pub mod clean;
pub mod ensure_dir;
pub mod read;
pub mod stat;
pub mod write;
