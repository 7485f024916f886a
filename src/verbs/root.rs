//! `openRoot` and `openTempRoot`.

use crate::args::{PathArgument, PathRoom, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, Scratch, guarded, guarded_steps, set_identity};
use crate::record_layout::{remove, root as layout};
use holdfast_core::error::{Code, Error};
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops::sub_root;
use holdfast_core::ops::temp_root::TempRoot;
use holdfast_core::resolve::Root;
use holdfast_core::resolve::{Policy, Resolver, Scope};
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;

fn open(path: &[u8]) -> Result<(Record, Arc<Root>), Error> {
    let root = Root::open(path)?;
    let mut record = Record::new(0.0);
    record.set_path(Some(root.real()));
    fill(&mut record, &root);
    Ok((record, Arc::new(root)))
}

pub(crate) fn fill(record: &mut Record, root: &Root) {
    let number = root.number() as f64;
    record.numbers[layout::NUMBER] = number;
    set_identity(record, root.identity());
    #[allow(
        clippy::cast_precision_loss,
        reason = "a number holds the seconds of 285 million years"
    )]
    let (seconds, nanoseconds) = {
        let (seconds, nanoseconds) = root.born();
        (seconds as f64, f64::from(nanoseconds))
    };
    record.numbers[layout::BORN] = seconds;
    record.numbers[layout::BORN_NANOSECONDS] = nanoseconds;
}

/// Opens on the calling thread if that cannot block; otherwise the record has the status for that.
///
/// Arguments: path.
pub(crate) fn root_open_cached(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    match nonblocking::open_root(path) {
        Cached::Known(root) => {
            // Only a path that equals its real path is opened through the caches.
            record.set_path(None);
            fill(record, &root);
            Ok(Some(call.external(Slot::new(Arc::new(root)))?))
        }
        Cached::NotCached(probe_locality) => {
            *record = Record::not_cached(probe_locality);
            Ok(None)
        }
    }
}

/// Opens on the calling thread. Returns `None` with an error in the record.
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

/// Opens in the pool. With `probe_locality`, first determines the locality of the file system.
#[napi(catch_unwind)]
pub fn root_open_async(path: PathArgument, probe_locality: bool) -> AsyncTask<Job> {
    let open = move || {
        if probe_locality {
            let scope = Scope {
                root: None,
                policy: Policy::FollowParents,
                resolver: Resolver::detect(),
            };
            nonblocking::probe_locality(&scope, &path.0);
        }
        open(&path.0)
    };
    Job::queue(move || match guarded(open) {
        Ok((record, root)) => Reply {
            record,
            extra: Extra::Root(root),
        },
        Err(failure) => Reply::of(Err(failure)),
    })
}

fn open_beneath(
    path: &[u8],
    flags: u32,
    root: Option<&Arc<Root>>,
) -> Result<(Record, Arc<Root>), Error> {
    let root = sub_root::open(&scope(flags, root), path)?;
    let mut record = Record::new(0.0);
    record.set_path(Some(root.real()));
    fill(&mut record, &root);
    Ok((record, Arc::new(root)))
}

/// Opens a directory beneath a root on the calling thread. Returns `None` with an error in the
/// record.
#[napi(catch_unwind)]
pub fn root_open_beneath_sync(
    path: PathArgument,
    flags: u32,
    root: &RootHandle,
    scratch: Scratch,
) -> Option<RootHandle> {
    match guarded(|| open_beneath(&path.0, flags, clone_root(Some(root))?.as_ref())) {
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

/// Opens a directory beneath a root in the pool.
#[napi(catch_unwind)]
pub fn root_open_beneath_async(
    path: PathArgument,
    flags: u32,
    root: &RootHandle,
) -> AsyncTask<Job> {
    let root = clone_root(Some(root));
    Job::queue(
        move || match guarded(|| open_beneath(&path.0, flags, root?.as_ref())) {
            Ok((record, root)) => Reply {
                record,
                extra: Extra::Root(root),
            },
            Err(failure) => Reply::of(Err(failure)),
        },
    )
}

/// Closes the root once the calls in progress have ended. A root without references is closed when
/// its handle is collected.
#[napi(catch_unwind)]
pub fn root_close(root: &RootHandle) {
    drop(root.take());
}

/// A temporary root that JavaScript holds until it is removed.
pub type TempRootHandle = External<Arc<Slot<Arc<TempRoot>>>>;

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

/// Removes the directory with its content, in the pool, and closes its descriptors. It can be tried
/// again after a failure.
#[napi(catch_unwind)]
pub fn temp_root_remove(temporary: &TempRootHandle) -> AsyncTask<Job> {
    let slot = Arc::clone(temporary);
    Job::queue(move || {
        Reply::of(guarded_steps(|| {
            let temporary = slot
                .get()
                .ok_or_else(|| Error::refused(Code::RootClosed, ""))?;
            let mut record = Record::new(0.0);
            record.numbers[remove::COUNT] = temporary.remove(&|| false)? as f64;
            slot.take();
            Ok(record)
        }))
    })
}
