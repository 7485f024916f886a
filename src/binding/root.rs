//! `openRoot`.

use super::arguments::{PathArgument, RootHandle};
use super::record::{Record, Scratch, guarded};
use super::slot::Slot;
use super::task::{Extra, Job, Reply};
use crate::error::Error;
use crate::root::Root;
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;

/// Place of the root's number.
const NUMBER: usize = 1;

fn open(path: &[u8]) -> Result<(Record, Arc<Root>), Error> {
    let root = Root::open(path)?;
    let mut record = Record::new(0.0);
    record.set_path(Some(root.real()));
    #[allow(clippy::cast_precision_loss, reason = "nobody opens 2^53 roots")]
    let number = root.number() as f64;
    record.numbers[NUMBER] = number;
    Ok((record, Arc::new(root)))
}

/// Opens on the calling thread. Nothing is answered when the record says why.
#[napi(catch_unwind)]
pub fn root_open_sync(path: PathArgument, scratch: Scratch) -> Option<RootHandle> {
    match guarded(|| open(&path.0)) {
        Ok((record, root)) => {
            scratch.put(&record);
            Some(External::new(Slot::new(root)))
        }
        Err(failure) => {
            scratch.put(&failure);
            None
        }
    }
}

/// Opens in the pool.
#[napi(catch_unwind)]
pub fn root_open_async(path: PathArgument) -> AsyncTask<Job> {
    Job::queue(move || match guarded(|| open(&path.0)) {
        Ok((record, root)) => Reply {
            record,
            extra: Extra::Root(root),
        },
        Err(failure) => Reply::of(Err(failure)),
    })
}

/// Lets the directory go; calls in flight still end. A root that is forgotten closes when its
/// handle is collected.
#[napi(catch_unwind)]
pub fn root_close(root: &RootHandle) {
    root.take();
}
