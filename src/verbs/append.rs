//! `appendRecord`, `appendRecords` and `appendJson`.

use crate::args::{Bytes, PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, containment, guarded, set_identity};
use crate::record_layout::append as layout;
use crate::verbs::lock::lock_rules;
use crate::verbs::write::{copied, rules};
use holdfast_core::error::{Code, Error};
use holdfast_core::ops::append::{self, AppendRules, Appended, Outcome, Unsynced};
use holdfast_core::ops::write::IsAborted;
use holdfast_core::path;
use holdfast_core::resolve::Scope;
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What decides between an append and its abort: whichever comes first.
pub type FlagHandle = External<Arc<AtomicU8>>;

const WAITING: u8 = 0;
const STOPPED: u8 = 1;
const BEGUN: u8 = 2;

/// Moves a flag from [`WAITING`]. Returns false where it has been moved elsewhere.
fn advance(flag: &AtomicU8, to: u8) -> bool {
    let moved = flag.compare_exchange(WAITING, to, Ordering::SeqCst, Ordering::SeqCst);
    moved.is_ok() || moved == Err(to)
}

/// Creates a flag for one append.
#[napi(catch_unwind)]
pub fn append_flag_new() -> FlagHandle {
    External::new(Arc::new(AtomicU8::new(WAITING)))
}

/// Stops an append. Returns false where it has begun to write.
#[napi(catch_unwind)]
pub fn append_stop(flag: &FlagHandle) -> bool {
    advance(flag, STOPPED)
}

/// Flag bit: puts a line break behind a torn record.
const ISOLATE: u32 = 2;

/// Decodes the options: bits in `flags`; in `modes`, the modes of a new lock file, of a new file and
/// of missing parents, nine bits each. A negative limit is none.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`lib/` passes whole numbers below 2^53"
)]
fn append_rules(flags: u32, modes: u32, limit: f64, directory: Option<&[u8]>) -> AppendRules<'_> {
    let for_write = rules(flags, modes);
    AppendRules {
        lock: lock_rules(flags, modes, directory),
        new_file_mode: for_write.new_file_mode,
        is_durable: for_write.durable != holdfast_core::ops::write::Durable::No,
        reject_hardlinks: for_write.reject_hardlinks,
        isolates: has(flags, ISOLATE),
        max_bytes: (limit >= 0.0).then_some(limit as u64),
    }
}

/// Runs one attempt. Returns its record, and what is to be synced.
fn attempt(
    scope: &Scope<'_>,
    path: &[u8],
    records: &[u8],
    rules: &AppendRules<'_>,
    is_aborted: IsAborted<'_>,
) -> (Record, Option<Unsynced>) {
    match append::append(scope, path, records, rules, is_aborted) {
        Ok(Outcome::Busy { holder, lock }) => {
            let mut record = Record::new(0.0);
            set_identity(&mut record, lock);
            record.text.extend_from_slice(&path::shown(&holder));
            (record, None)
        }
        Ok(Outcome::Appended(appended)) => describe(scope, *appended),
        Err(failure) => {
            let mut record = Record::failure(&failure.error);
            record.numbers[layout::IS_TORN] = f64::from(u8::from(failure.is_torn));
            (record, None)
        }
    }
}

fn describe(scope: &Scope<'_>, appended: Appended) -> (Record, Option<Unsynced>) {
    let mut record = Record::new(containment(scope));
    record.set_path(appended.real.as_deref());
    let numbers = &mut record.numbers;
    numbers[layout::IS_DONE] = 1.0;
    numbers[layout::OFFSET] = appended.offset as f64;
    numbers[layout::SIZE] = appended.size as f64;
    numbers[layout::CREATED] = f64::from(u8::from(appended.created));
    numbers[layout::ISOLATED] = f64::from(u8::from(appended.isolated));
    numbers[layout::ROTATED] = f64::from(u8::from(appended.rotated));
    (record, appended.unsynced)
}

/// Appends on the calling thread, if the lock is free.
///
/// Arguments: path, records, flags, modes, root and its number, limit, directory for lock files.
pub(crate) fn append_sync(
    call: &Call<'_>,
    record: &mut Record,
) -> std::result::Result<Value, Error> {
    let (mut path, mut directory) = (PathRoom::new(), PathRoom::new());
    let path = call.path(0, &mut path)?;
    let records = call.bytes(1)?;
    let (flags, modes) = (call.bits(2)?, call.bits(3)?);
    let root = call.root(4)?;
    let limit = call.number(6)?;
    let directory = if call.is_given(7) {
        Some(call.path(7, &mut directory)?)
    } else {
        None
    };
    let scope = scope(flags, root.as_ref());
    let rules = append_rules(flags, modes, limit, directory);
    let unsynced;
    (*record, unsynced) = attempt(&scope, path, records.as_slice(), &rules, &|| false);
    if let Some(unsynced) = unsynced {
        record.numbers[layout::DURABLE] = f64::from(u8::from(unsynced.sync()?));
    }
    Ok(None)
}

/// Appends in the pool, if the lock is free. The bytes are copied during the call.
#[napi(catch_unwind)]
#[allow(
    clippy::too_many_arguments,
    reason = "as flat as those of `write_checked_async`"
)]
pub fn append_async(
    path: PathArgument,
    records: Bytes,
    flags: u32,
    modes: u32,
    root: Option<&RootHandle>,
    limit: f64,
    directory: Option<PathArgument>,
    flag: Option<&FlagHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let flag = flag.map(|flag| Arc::clone(flag));
    let copy = copied(records.as_slice());
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let directory = directory.as_ref().map(|directory| directory.0.as_slice());
            let rules = append_rules(flags, modes, limit, directory);
            let is_aborted = || flag.as_ref().is_some_and(|flag| !advance(flag, BEGUN));
            Ok(attempt(&scope, &path.0, &copy?, &rules, &is_aborted))
        });
        match result {
            Ok((record, Some(unsynced))) => Reply {
                record,
                extra: Extra::Unsynced(unsynced),
            },
            Ok((record, None)) => Reply::of(Ok(record)),
            Err(failure) => Reply::of(Err(failure)),
        }
    })
}

/// Syncs the file of an append, in the pool.
#[napi(catch_unwind)]
pub fn append_flush(unsynced: &External<Slot<Unsynced>>) -> AsyncTask<Job> {
    let unsynced = unsynced.take();
    Job::queue(move || {
        Reply::of(guarded(|| {
            let unsynced =
                unsynced.ok_or_else(|| Error::refused(Code::Internal, "append-synced-twice"))?;
            let mut record = Record::new(0.0);
            record.numbers[layout::DURABLE] = f64::from(u8::from(unsynced.sync()?));
            Ok(record)
        }))
    })
}
