//! `writeAtomic` of content that comes in pieces, and `stageAtomic`.

use crate::args::{Bytes, PathArgument, has, scope};
use crate::env::with_state;
use crate::handle::{RootHandle, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, Scratch, containment, guarded, set_identity};
use crate::record_layout::stage as layout;
use crate::unfinished_files::{Stage, StagedFile};
use crate::verbs::write::{CancelHandle, copied, describe, is_raised, rules};
use holdfast_core::ops::write;
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, External, Result};
use napi_derive::napi;
use std::sync::{Arc, Weak};

/// Flag bit: other programs write the file, so its record has the path of the temporary.
const SHARED: u32 = 10;

/// Starts a file, in the pool.
#[napi(catch_unwind)]
pub fn stage_begin(
    env: &Env,
    path: PathArgument,
    flags: u32,
    modes: u32,
    root: Option<&RootHandle>,
) -> Result<AsyncTask<Job>> {
    let root = clone_root(root);
    let unfinished = with_state(env, |state| state.unfinished.clone())?;
    Ok(Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let rules = rules(flags, modes);
            let mut record = Record::new(containment(&scope));
            let file = if has(flags, SHARED) {
                let file = write::Stage::begin_shared(&scope, &path.0, &rules)?;
                record.set_path(file.temporary_path().as_deref());
                let (descriptor, dev, ino) = file.identity()?;
                record.numbers[layout::DESCRIPTOR] = f64::from(descriptor);
                set_identity(&mut record, (dev, ino));
                file
            } else {
                write::Stage::begin(&scope, &path.0, &rules)?
            };
            Ok((unfinished.adopt(StagedFile { file, root })?, record))
        });
        match result {
            Ok((unfinished, record)) => Reply {
                record,
                extra: Extra::Stage(Stage { unfinished, flags }),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    }))
}

/// Writes the next piece, in the pool. The bytes are copied during the call. After an error the
/// file is dropped.
#[napi(catch_unwind)]
pub fn stage_append(stage: &External<Stage>, data: Bytes) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    let copy = copied(data.as_slice());
    Job::queue(move || {
        Reply::of(guarded(|| {
            let copy = copy?;
            let StagedFile { file, root } = stage.unfinished.take()?;
            let file = file.append(&copy)?;
            stage.unfinished.put_back(StagedFile { file, root });
            Ok(Record::new(0.0))
        }))
    })
}

/// Applies owner, ACL and mode, in the pool. What others change of them afterwards stays.
#[napi(catch_unwind)]
pub fn stage_apply_metadata(stage: &External<Stage>) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let mut staged = stage.unfinished.take()?;
            let scope = scope(stage.flags, staged.root.as_ref());
            staged.file.apply_metadata(&scope)?;
            stage.unfinished.put_back(staged);
            Ok(Record::new(0.0))
        }))
    })
}

/// Makes a complete file with its owner, ACL and mode, on the calling thread. Returns `None` with
/// an error in the record.
#[napi(catch_unwind)]
pub fn stage_sync(
    env: &Env,
    path: PathArgument,
    data: Bytes,
    flags: u32,
    modes: u32,
    scratch: Scratch,
) -> Result<Option<External<Stage>>> {
    let files = with_state(env, |state| state.unfinished.clone())?;
    let result = guarded(|| {
        let scope = scope(flags, None);
        let file = write::Stage::begin_shared(&scope, &path.0, &rules(flags, modes))?;
        let mut file = file.append(data.as_slice())?;
        file.apply_metadata(&scope)?;
        let mut record = Record::new(containment(&scope));
        record.set_path(file.temporary_path().as_deref());
        let (_, dev, ino) = file.identity()?;
        set_identity(&mut record, (dev, ino));
        let unfinished = files.adopt(StagedFile { file, root: None })?;
        Ok((record, Stage { unfinished, flags }))
    });
    Ok(match result {
        Ok((record, stage)) => {
            scratch.put(&record);
            Some(External::new(stage))
        }
        Err(failure) => {
            scratch.put(&failure);
            None
        }
    })
}

/// Publishes the file, on the calling thread.
#[napi(catch_unwind)]
pub fn stage_commit_sync(stage: &External<Stage>, scratch: Scratch) {
    let result = guarded(|| {
        let StagedFile { file, root } = stage.unfinished.take()?;
        let scope = scope(stage.flags, root.as_ref());
        let written = file.commit(&scope, &|| false)?;
        Ok(describe(&scope, &written))
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Drops the file, on the calling thread: its temporary is removed.
#[napi(catch_unwind)]
pub fn stage_abort_sync(stage: &External<Stage>) {
    drop(stage.unfinished.take());
}

/// Publishes the file, in the pool.
#[napi(catch_unwind)]
pub fn stage_commit(stage: &External<Stage>, cancel: Option<&CancelHandle>) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    Job::queue(move || {
        Reply::of(guarded(|| {
            let StagedFile { file, root } = stage.unfinished.take()?;
            let scope = scope(stage.flags, root.as_ref());
            let written = file.commit(&scope, &|| is_raised(cancel.as_ref()))?;
            Ok(describe(&scope, &written))
        }))
    })
}

/// Drops the file, in the pool: its temporary is removed. After a failure the call can be repeated.
#[napi(catch_unwind)]
pub fn stage_abort(stage: &External<Stage>) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    Job::queue(move || {
        Reply::of(guarded(|| {
            // A finished file has nothing left to remove.
            if let Ok(mut staged) = stage.unfinished.take()
                && let Err(error) = staged.file.abort()
            {
                stage.unfinished.put_back(staged);
                return Err(error);
            }
            Ok(Record::new(0.0))
        }))
    })
}

/// Removes the temporaries of the calling environment. A file that a job is working on is removed
/// when that job ends, unless the job publishes it.
#[napi(catch_unwind)]
pub fn give_up(env: &Env) -> Result<()> {
    let unfinished = with_state(env, |state| std::mem::take(&mut state.unfinished))?;
    let files = unfinished.files().take().unwrap_or_default();
    for file in files.values().filter_map(Weak::upgrade) {
        drop(file.take());
    }
    Ok(())
}
