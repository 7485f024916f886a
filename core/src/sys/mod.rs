//! System calls, one small function each, with the same signatures on every platform.
//!
//! A function returns the kernel's error as [`Os`](crate::error::Os): the raw errno, and the call
//! as `node:fs` names it. Policy, and the classification of errnos, are in the modules above.
//!
//! Each platform has a folder with the same file names. A file for an unsupported feature starts
//! with "Not supported".

#[cfg(target_os = "linux")]
mod linux;
mod list;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(windows, test))]
#[cfg_attr(
    not(windows),
    allow(dead_code, reason = "only its tests are run elsewhere")
)]
mod security_descriptor;
mod types;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(target_os = "linux")]
pub use linux::{Attributes, Volume};
pub(crate) use list::{is_empty_directory, list};
pub(crate) use types::{FileSystem, Ids, Link, Locality, S_IFDIR, Target};
pub use types::{Stat, Time};
