//! The status of a path beneath a root, without opening what it leads to.

use super::arguments::{LEARN, PathArgument, PathRoom, RootHandle, has, scope, taken};
use super::direct::{Call, Value};
use super::record::{CONTAINMENT, Record, containment, guarded};
use super::task::{Job, Reply};
use crate::cached::{self, Cached};
use crate::error::Error;
use crate::resolve::Scope;
use crate::status;
use crate::sys::Stat;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

fn describe(scope: &Scope<'_>, stat: &Stat) -> Record {
    let mut record = Record::new(containment(scope));
    record.set_stat(stat);
    record
}

/// Answers on the calling thread if that cannot block; otherwise the record says so.
///
/// Arguments: path, flags, root and its number.
pub(super) fn status_cached(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let flags = call.bits(1)?;
    let root = call.root(2)?;
    let scope = scope(flags, root.as_ref());
    match cached::status(&scope, path) {
        Cached::Known(stat) => {
            record.set_stat(&stat?);
            record.numbers[CONTAINMENT] = containment(&scope);
        }
        Cached::Elsewhere(learn) => *record = Record::elsewhere(learn),
    }
    Ok(None)
}

/// Answers in the pool.
#[napi(catch_unwind)]
pub fn status_async(path: PathArgument, flags: u32, root: Option<&RootHandle>) -> AsyncTask<Job> {
    let root = taken(root);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            if has(flags, LEARN) {
                cached::learn(&scope, &path.0);
            }
            Ok(describe(&scope, &status::status(&scope, &path.0)?))
        }))
    })
}
