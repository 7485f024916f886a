//! holdfast: file verbs that a gateway can trust.
//!
//! Three verbs are the product: making a directory private ([`ensure_dir`]), replacing a file
//! atomically ([`write`]) and reading a file that somebody else named ([`read`]). Each decides
//! its policy on descriptors, inside one call; nothing is checked by path and used by path.
//!
//! Dependencies point one way: `binding` → verbs and [`root`] → [`resolve`], [`permission`],
//! [`path`] → `sys` → [`error`]. Nothing below `binding` knows that JavaScript exists, so that
//! the core builds, tests and fuzzes as a plain Rust library.

#![cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        reason = "answers from memory and rehearsals exist on Linux alone, where nothing is unused"
    )
)]

mod binding;
#[cfg_attr(not(target_os = "linux"), path = "cached_nowhere.rs")]
pub mod cached;
mod defect;
pub mod ensure_dir;
pub mod error;
#[cfg(target_os = "linux")]
pub mod inspect;
mod make_dirs;
mod mounts;
pub mod path;
pub mod permission;
pub mod read;
pub mod resolve;
pub mod root;
pub mod stale;
pub(crate) mod status;
mod sys;
mod system_dirs;
pub mod temporary;
pub mod write;
pub mod write_target;
