//! The operations of holdfast in plain Rust.
//!
//! Three verbs are the product: making a directory private ([`ops::ensure_dir`]), replacing a file
//! atomically ([`ops::write`]) and reading a file that somebody else named ([`ops::read`]). Each decides
//! its policy on descriptors, inside one call; nothing is checked by path and used by path.
//!
//! Nothing here knows Node-API: the crate builds, tests and fuzzes as a plain Rust library.

#![cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        reason = "nonblocking and the doctor exist on Linux alone, where nothing is unused"
    )
)]

#[cfg(target_os = "linux")]
pub mod doctor;
pub mod error;
pub mod failpoint;
pub mod features;
mod make_dirs;
mod metadata;
pub mod nonblocking;
pub mod ops;
pub mod path;
pub mod resolve;
mod sys;
mod temporary;

#[cfg(target_os = "linux")]
pub use sys::{Attributes, Volume};
pub use sys::{Stat, Time};
