//! `stat`, `lstat`, `exists` and `readlink` of a root: without opening the file.

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

/// Flag bit: the stat of a final symlink itself.
const LSTAT: u32 = 2;

fn fill(record: &mut Record, scope: &Scope<'_>, stat: &Stat) {
    record.numbers[CONTAINMENT] = containment(scope);
    record.set_stat(stat);
}

fn stat_of(scope: &Scope<'_>, path: &[u8], flags: u32) -> Result<Stat, Error> {
    if has(flags, LSTAT) {
        ops::stat::lstat(scope, path)
    } else {
        ops::stat::stat(scope, path)
    }
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
    match nonblocking::stat(&scope, path, has(flags, LSTAT)) {
        Cached::Known(stat) => fill(record, &scope, &stat?),
        Cached::NotCached(probe_locality) => *record = Record::not_cached(probe_locality),
    }
    Ok(None)
}

/// Runs on the calling thread.
///
/// Arguments: path, flags, root and its number.
pub(crate) fn stat_sync(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let flags = call.bits(1)?;
    let root = call.root(2)?;
    let scope = scope(flags, root.as_ref());
    fill(record, &scope, &stat_of(&scope, path, flags)?);
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
            let mut record = Record::new(0.0);
            fill(&mut record, &scope, &stat_of(&scope, &path.0, flags)?);
            Ok(record)
        }))
    })
}

/// Reads a symlink on the calling thread. The text of the record is its target.
///
/// Arguments: path, flags, root and its number.
pub(crate) fn readlink_sync(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let flags = call.bits(1)?;
    let root = call.root(2)?;
    let scope = scope(flags, root.as_ref());
    record.text = ops::stat::read_link(&scope, path)?;
    Ok(None)
}

/// Reads a symlink in the pool.
#[napi(catch_unwind)]
pub fn readlink_async(path: PathArgument, flags: u32, root: Option<&RootHandle>) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let mut record = Record::new(0.0);
            record.text = ops::stat::read_link(&scope, &path.0)?;
            Ok(record)
        }))
    })
}
