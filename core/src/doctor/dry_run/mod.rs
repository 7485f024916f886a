//! What the verbs would do somewhere, found out without changing anything.
//!
//! Each dry run goes the way of its verb up to the first call that would change something, and
//! predicts what that call would return ([`super::predict`]).
//!
//! Not foreseen: what only the attempt shows, such as quotas, seccomp filters, security modules
//! and the mind of a server behind a network or FUSE file system.

mod ensure_dir;
mod read;
mod write;

pub use ensure_dir::ensure_dir;
pub use read::read;
pub use write::{Forecast, write};
