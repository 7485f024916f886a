//! The stat of a path beneath a root, without opening the file.

use crate::args::{PROBE_LOCALITY, PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::CONTAINMENT;
use holdfast_core::Stat;
use holdfast_core::error::Error;
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops;
use holdfast_core::resolve::Scope;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

fn describe(scope: &Scope<'_>, stat: &Stat) -> Record {
    let mut record = Record::new(containment(scope));
    record.set_stat(stat);
    record
}

/// Runs on the calling thread if that cannot block; otherwise the record has the status for that.
///
/// Arguments: path, flags, root and its number.
pub(crate) fn stat_cached(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let flags = call.bits(1)?;
    let root = call.root(2)?;
    let scope = scope(flags, root.as_ref());
    match nonblocking::stat(&scope, path) {
        Cached::Known(stat) => {
            record.set_stat(&stat?);
            record.numbers[CONTAINMENT] = containment(&scope);
        }
        Cached::NotCached(probe_locality) => *record = Record::not_cached(probe_locality),
    }
    Ok(None)
}

/// Runs in the pool.
#[napi(catch_unwind)]
pub fn stat_async(path: PathArgument, flags: u32, root: Option<&RootHandle>) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            if has(flags, PROBE_LOCALITY) {
                nonblocking::probe_locality(&scope, &path.0);
            }
            Ok(describe(&scope, &ops::stat::stat(&scope, &path.0)?))
        }))
    })
}
