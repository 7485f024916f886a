//! The operations of holdfast in plain Rust.
//!
//! Three verbs are the product: making a directory private ([`ensure_dir`]), replacing a file
//! atomically ([`write`]) and reading a file that somebody else named ([`read`]). Each decides
//! its policy on descriptors, inside one call; nothing is checked by path and used by path.
//!
//! Nothing here knows Node-API: the crate builds, tests and fuzzes as a plain Rust library.

#![cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        reason = "answers from memory and rehearsals exist on Linux alone, where nothing is unused"
    )
)]

#[cfg_attr(not(target_os = "linux"), path = "cached_nowhere.rs")]
pub mod cached;
pub mod ensure_dir;
pub mod error;
pub mod failpoint;
pub mod features;
#[cfg(target_os = "linux")]
pub mod inspect;
mod make_dirs;
mod metadata;
pub mod path;
pub mod read;
pub mod resolve;
pub mod stale;
pub mod status;
mod sys;
pub mod temporary;
pub mod write;
pub mod write_target;

#[cfg(target_os = "linux")]
pub use sys::{Attributes, Volume};
pub use sys::{Stat, Time};
