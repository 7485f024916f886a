//! Dry runs: predict the result of each verb without a change to the file system.
//!
//! Each dry run makes the calls of its verb up to the first one that would change something. It
//! predicts the result of that call ([`system_calls`]).
//!
//! Not predicted: failures that only the attempt shows, such as quotas, seccomp filters, security
//! modules and the server behind a network or FUSE file system.

mod ensure_dir;
mod list;
mod names;
mod read;
mod system_calls;
mod write;

pub use ensure_dir::ensure_dir;
pub use list::list;
pub use names::{remove, rename};
pub use read::read;
pub use write::{PredictedWrite, write};
