//! `openTempRoot`.

use crate::args::PathArgument;
use crate::handle::{RootHandle, Slot};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, guarded, guarded_steps};
use crate::record_layout::remove as layout;
use crate::verbs::root::fill;
use holdfast_core::error::{Code, Error};
use holdfast_core::ops::temp_root::TempRoot;
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;

/// A temporary root that JavaScript holds until it is removed.
pub type TempRootHandle = External<Slot<Arc<TempRoot>>>;

/// Creates a directory, in the pool. The record is that of its root.
#[napi(catch_unwind)]
pub fn temp_root_create(
    parent: PathArgument,
    prefix: PathArgument,
    is_shared: bool,
) -> AsyncTask<Job> {
    Job::queue(move || {
        let result = guarded(|| {
            let temporary = TempRoot::create(&parent.0, &prefix.0, is_shared)?;
            let mut record = Record::new(0.0);
            record.set_path(Some(temporary.root().real()));
            fill(&mut record, temporary.root());
            Ok((record, Arc::new(temporary)))
        });
        match result {
            Ok((record, temporary)) => Reply {
                record,
                extra: Extra::TempRoot(temporary),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    })
}

/// Returns the directory as a root; `None` after its removal.
#[napi(catch_unwind)]
pub fn temp_root_handle(temporary: &TempRootHandle) -> Option<RootHandle> {
    let temporary = temporary.get()?;
    Some(External::new(Slot::new(Arc::clone(temporary.root()))))
}

/// Removes the directory with its content, in the pool. It can be tried again after a failure.
#[napi(catch_unwind)]
pub fn temp_root_remove(temporary: &TempRootHandle) -> AsyncTask<Job> {
    let temporary = temporary.get();
    Job::queue(move || {
        Reply::of(guarded_steps(|| {
            let temporary = temporary.ok_or_else(|| Error::refused(Code::RootClosed, ""))?;
            let mut record = Record::new(0.0);
            record.numbers[layout::COUNT] = temporary.remove(&|| false)? as f64;
            Ok(record)
        }))
    })
}
