//! System calls of Linux.

mod acl;
mod directory;
mod errno;
mod fd;
mod file_system;
mod inspect;
mod io;
mod link;
mod lock;
mod memory;
mod mode;
mod open;
mod path;
mod process;
mod procfs;
mod rename;
mod stat;
mod superblock;
mod tempfile;

pub(crate) use super::unix::*;
pub(crate) use acl::*;
pub(crate) use directory::*;
pub(crate) use errno::*;
pub(crate) use fd::*;
pub(crate) use file_system::*;
pub(crate) use inspect::*;
pub(crate) use io::*;
pub(crate) use link::*;
pub(crate) use lock::*;
pub(crate) use memory::*;
pub(crate) use mode::*;
pub(crate) use open::*;
pub(crate) use path::*;
pub(crate) use process::*;
pub(crate) use procfs::*;
pub(crate) use rename::*;
pub(crate) use stat::*;
pub(crate) use superblock::*;
pub(crate) use tempfile::*;
// Overrides the function of the same name from `unix`.
pub use inspect::{Attributes, Volume};
pub(crate) use io::read;
