//! `walk` of a root: a handle, and a job for each batch of entries.

use crate::args::{PathArgument, has, scope};
use crate::entries::{append_failure, encode};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::{CONTAINMENT, IS_AS_GIVEN, entries as layout};
use holdfast_core::error::{Code, Error};
use holdfast_core::ops::walk::{Batch, Rules, Walk};
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Flag bit: each entry gets its stat.
const STAT: u32 = 2;
/// Flag bit: directories that cannot be read are passed over.
const SKIP: u32 = 3;
/// Flag bit: the caller says which directories are entered (`walk_step`).
const STEP: u32 = 4;

/// A walk between two jobs.
pub struct State {
    walk: Slot<Walk>,
    /// Ends the running job.
    is_closed: AtomicBool,
}

impl State {
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Runs a batch with the walk, and puts it back unless it has ended.
    fn run(&self, batch: impl FnOnce(&mut Walk) -> Batch) -> Result<Batch, Error> {
        let mut walk = self
            .walk
            .take()
            .ok_or_else(|| Error::refused(Code::Internal, "a walk that has ended"))?;
        let batch = batch(&mut walk);
        if batch.failure.is_none() && !self.is_closed() {
            self.walk.put(walk);
            if self.is_closed() {
                // It was closed meanwhile.
                drop(self.walk.take());
            }
        }
        Ok(batch)
    }
}

/// A walk that JavaScript holds until it closes it.
pub type WalkHandle = External<Arc<State>>;

fn reply(mut record: Record, batch: &Batch) -> Reply {
    let mut data = encode(&mut record, &batch.entries);
    record.numbers[layout::IS_END] = f64::from(u8::from(batch.is_end));
    if let Some((error, dir)) = &batch.failure {
        append_failure(&mut record, &mut data, error, dir);
    }
    Reply {
        record,
        extra: Extra::Data(data),
    }
}

/// Creates the handle of a walk that is not open yet.
#[napi(catch_unwind)]
#[must_use]
pub fn walk_new() -> WalkHandle {
    External::new(Arc::new(State {
        walk: Slot::empty(),
        is_closed: AtomicBool::new(false),
    }))
}

/// Opens the first directory in the pool, and returns the first batch.
#[napi(catch_unwind)]
pub fn walk_open(
    handle: &WalkHandle,
    path: PathArgument,
    flags: u32,
    max_depth: u32,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let (state, root) = (Arc::clone(handle), clone_root(root));
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let rules = Rules {
                wants_stat: has(flags, STAT),
                max_depth,
                skips_errors: has(flags, SKIP),
            };
            let (walk, text) = Walk::open(&scope, &path.0, rules)?;
            state.walk.put(walk);
            let batch = run(&state, has(flags, STEP), 0, None)?;
            let mut record = Record::new(0.0);
            record.numbers[CONTAINMENT] = containment(&scope);
            record.set_path(text.as_deref());
            Ok(reply(record, &batch))
        });
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    })
}

fn run(state: &State, is_step: bool, left: u32, name: Option<&[u8]>) -> Result<Batch, Error> {
    let is_closed = || state.is_closed();
    state.run(|walk| {
        if is_step {
            walk.step(left, name, &is_closed)
        } else {
            walk.next_batch(&is_closed)
        }
    })
}

/// Returns the next entries of the whole tree.
#[napi(catch_unwind)]
pub fn walk_next(handle: &WalkHandle) -> AsyncTask<Job> {
    next(handle, false, 0, None)
}

/// Leaves directories, enters one, and returns the next entries of the current directory.
#[napi(catch_unwind)]
pub fn walk_step(handle: &WalkHandle, left: u32, name: Option<PathArgument>) -> AsyncTask<Job> {
    next(handle, true, left, name)
}

fn next(
    handle: &WalkHandle,
    is_step: bool,
    left: u32,
    name: Option<PathArgument>,
) -> AsyncTask<Job> {
    let state = Arc::clone(handle);
    Job::queue(move || {
        let result = guarded(|| {
            let name = name.as_ref().map(|name| name.0.as_slice());
            let batch = run(&state, is_step, left, name)?;
            let mut record = Record::new(0.0);
            record.numbers[IS_AS_GIVEN] = 1.0;
            Ok(reply(record, &batch))
        });
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    })
}

/// Stops the running job. Returns a job that closes the directories of the walk.
#[napi(catch_unwind)]
pub fn walk_close(handle: &WalkHandle) -> AsyncTask<Job> {
    handle.is_closed.store(true, Ordering::Relaxed);
    let walk = handle.walk.take();
    Job::queue(move || {
        drop(walk);
        Reply::of(Ok(Record::new(0.0)))
    })
}
