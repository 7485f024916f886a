//! The functions that JavaScript calls, one file per verb.

pub(crate) mod append;
pub(crate) mod capabilities;
pub(crate) mod clean;
pub(crate) mod copy;
pub(crate) mod ensure_dir;
#[cfg(target_os = "linux")]
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod root;
pub(crate) mod stage;
pub(crate) mod stat;
pub(crate) mod walk;
pub(crate) mod write;
pub(crate) mod write_target;
