//! The features of this build on this system, and a job that does nothing.

use crate::job::{Job, Reply};
use crate::record::Record;
use holdfast_core::features::Features;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

/// Returns the features of the system, as bits in the order of `lib/native/capabilities.ts`.
#[napi(catch_unwind)]
#[must_use]
pub fn features() -> u32 {
    let found = Features::detect();
    [
        found.kernel_resolver,
        found.rename_new,
        found.fchmodat2,
        found.statx,
        found.unnamed_files,
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (index, &works)| bits | u32::from(works) << index)
}

/// Returns the version of the crate that the binary was built from.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Does nothing, in the pool: its promise settles in a later turn of the event loop.
#[napi(catch_unwind)]
#[must_use]
pub fn idle_async() -> AsyncTask<Job> {
    Job::queue(|| Reply::of(Ok(Record::new(0.0))))
}
