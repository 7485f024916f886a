//! The operations of holdfast in plain Rust.
//!
//! There are three main verbs: make a directory private ([`ops::ensure_dir`]), replace a file
//! atomically ([`ops::write`]), and read a file whose path comes from another party
//! ([`ops::read`]). Each applies its policy to descriptors, inside one call. No path is checked
//! first and used later.
//!
//! The crate does not depend on Node-API: it builds, tests and fuzzes as a plain Rust library.

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
