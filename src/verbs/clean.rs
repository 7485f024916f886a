//! `cleanStaleTemporaries`.

use crate::args::{PathArgument, scope};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, guarded};
use holdfast_core::ops::clean;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use std::time::Duration;

/// Removes stale temporaries from a directory, in the pool. Each removed path has a record.
#[napi(catch_unwind)]
pub fn clean_async(
    path: PathArgument,
    older_than_ms: f64,
    flags: u32,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        let result = guarded(|| {
            let older_than =
                Duration::try_from_secs_f64(older_than_ms / 1000.0).unwrap_or(Duration::MAX);
            let root = root?;
            let removed = match root.as_ref() {
                Some(root) => {
                    clean::remove_beneath(&scope(flags, Some(root)), &path.0, older_than)?
                }
                None => clean::remove(&path.0, older_than)?,
            };
            Ok(removed
                .iter()
                .map(|path| {
                    let mut record = Record::new(0.0);
                    record.set_path(Some(path));
                    record
                })
                .collect())
        });
        match result {
            Ok(records) => Reply {
                record: Record::new(0.0),
                extra: Extra::Records(records),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    })
}
