//! `Root#remove`.

use crate::args::{PathArgument, has, scope};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, Scratch, containment, guarded_steps};
use crate::record_layout::remove as layout;
use crate::verbs::write::{CancelHandle, is_raised};
use holdfast_core::ops::Failure;
use holdfast_core::ops::remove::{self, Rules};
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use std::sync::Arc;

/// Decodes the options: bits in `flags`, and a limit that may be infinite.
fn rules(flags: u32, max_entries: f64) -> Rules {
    Rules {
        recursive: has(flags, 2),
        ignore_missing: has(flags, 3),
        is_durable: has(flags, 4),
        max_entries: limit(max_entries),
    }
}

/// Returns a limit of entries or bytes; `None` for infinity.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`lib/` passes a safe integer or infinity"
)]
pub(crate) fn limit(most: f64) -> Option<u64> {
    most.is_finite().then_some(most as u64)
}

fn run(
    path: &[u8],
    flags: u32,
    max_entries: f64,
    root: Option<&Arc<Root>>,
    is_aborted: &dyn Fn() -> bool,
) -> Result<Record, Failure> {
    let scope = scope(flags, root);
    let removed = remove::remove(&scope, path, &rules(flags, max_entries), is_aborted)?;
    let mut record = Record::new(containment(&scope));
    record.numbers[layout::COUNT] = removed as f64;
    Ok(record)
}

/// Removes on the calling thread.
#[napi(catch_unwind)]
pub fn remove_sync(
    path: PathArgument,
    flags: u32,
    max_entries: f64,
    root: Option<&RootHandle>,
    scratch: Scratch,
) {
    let root = clone_root(root);
    let result = guarded_steps(|| run(&path.0, flags, max_entries, root?.as_ref(), &|| false));
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Removes in the pool. The job looks at the flag between two entries.
#[napi(catch_unwind)]
pub fn remove_async(
    path: PathArgument,
    flags: u32,
    max_entries: f64,
    root: Option<&RootHandle>,
    cancel: Option<&CancelHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    Job::queue(move || {
        let is_aborted = || is_raised(cancel.as_ref());
        Reply::of(guarded_steps(|| {
            run(&path.0, flags, max_entries, root?.as_ref(), &is_aborted)
        }))
    })
}
