//! `writeAtomic` of content that comes in pieces, and `stageAtomic`.

use crate::arguments::{Bytes, PathArgument, RootHandle, has, scope, taken};
use crate::record::{Record, containment, guarded};
use crate::task::{Extra, Job, Reply};
use crate::unfinished::{Home, Unfinished};
use crate::verbs::write::{CancelHandle, copied, describe, is_raised, rules};
use holdfast_core::ops::write;
use holdfast_core::resolve::Root;
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, External, Result};
use napi_derive::napi;
use std::sync::Arc;

/// A file in the making. JavaScript calls one function of it after the other; dropping it, by the
/// collector or at the end of the environment, removes its temporary.
#[derive(Clone)]
pub struct Stage {
    held: Arc<Unfinished>,
    flags: u32,
}

/// What is let go of together: nothing stays open for a file that came to its end.
pub(crate) struct Held {
    file: write::Stage,
    root: Option<Arc<Root>>,
}

/// Bit of a file that others write: its record has the path of the temporary.
const SHARED: u32 = 10;

/// Places of what JavaScript opens the temporary anew by, and knows it by.
const DESCRIPTOR: usize = 1;
const DEV: usize = 2;
const INO: usize = 3;
/// Its lower 32 bits, which a number may lose.
const INO_LOW: usize = 4;

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "as in fs.Stats, and what is lost there"
)]
fn set_identity(record: &mut Record, (descriptor, dev, ino): (i32, u64, u64)) {
    record.numbers[DESCRIPTOR] = f64::from(descriptor);
    record.numbers[DEV] = dev as f64;
    record.numbers[INO] = ino as f64;
    record.numbers[INO_LOW] = f64::from(ino as u32);
}

/// Starts a file, in the pool.
#[napi(catch_unwind)]
pub fn stage_begin(
    env: &Env,
    path: PathArgument,
    flags: u32,
    modes: u32,
    root: Option<&RootHandle>,
) -> Result<AsyncTask<Job>> {
    let root = taken(root);
    let home = Home::of_caller(env)?;
    Ok(Job::queue(move || {
        let answer = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let rules = rules(flags, modes);
            let mut record = Record::new(containment(&scope));
            let file = if has(flags, SHARED) {
                let file = write::Stage::begin_shared(&scope, &path.0, &rules)?;
                record.set_path(file.temporary_path().as_deref());
                set_identity(&mut record, file.identity()?);
                file
            } else {
                write::Stage::begin(&scope, &path.0, &rules)?
            };
            Ok((home.adopt(Held { file, root })?, record))
        });
        match answer {
            Ok((held, record)) => Reply {
                record,
                extra: Extra::Stage(Stage { held, flags }),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    }))
}

/// Writes the next piece, in the pool; the bytes are copied now. After an error the file is gone.
#[napi(catch_unwind)]
pub fn stage_append(stage: &External<Stage>, data: Bytes) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    let copy = copied(data.as_slice());
    Job::queue(move || {
        Reply::of(guarded(|| {
            let mut held = stage.held.take()?;
            held.file.append(&copy?)?;
            stage.held.put_back(held);
            Ok(Record::new(0.0))
        }))
    })
}

/// Publishes the file, in the pool.
#[napi(catch_unwind)]
pub fn stage_commit(stage: &External<Stage>, cancel: Option<&CancelHandle>) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    Job::queue(move || {
        Reply::of(guarded(|| {
            let Held { file, root } = stage.held.take()?;
            let scope = scope(stage.flags, root.as_ref());
            let written = file.commit(&scope, &|| is_raised(cancel.as_ref()))?;
            Ok(describe(&scope, &written))
        }))
    })
}

/// Gives the file up, in the pool: its temporary is removed.
#[napi(catch_unwind)]
pub fn stage_abort(stage: &External<Stage>) -> AsyncTask<Job> {
    let stage = Stage::clone(stage);
    Job::queue(move || {
        Reply::of(guarded(|| {
            drop(stage.held.take());
            Ok(Record::new(0.0))
        }))
    })
}
