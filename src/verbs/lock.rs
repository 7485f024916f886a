//! `withLock`, `acquireLock`, `tryLock`, and the write of an update.

use crate::args::{Bytes, PathArgument, has, scope};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, Scratch, guarded, milliseconds, set_identity};
use crate::record_layout::lock as layout;
use crate::verbs::write::{CancelHandle, copied, describe, is_raised, rules};
use holdfast_core::error::{Code, Error};
use holdfast_core::ops::lock::{Lock, LockRules};
use holdfast_core::ops::write;
use holdfast_core::path;
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;

/// Flag bit: the lock is shared.
const SHARED: u32 = 10;

/// Flag bit: the lock is for an update.
const FOR_FILE: u32 = 11;

/// Flag bit: the root was opened by its path for this call.
const ROOT_BY_PATH: u32 = 12;

/// A lock that JavaScript holds until it releases it. The collector and the end of the environment
/// release it too.
pub type LockHandle = External<Arc<Slot<Lock>>>;

/// Decodes the options of a lock: those of a write that has the same lock, the bit [`SHARED`], and the
/// mode of a new lock file in the lowest nine bits of `modes`.
pub(crate) fn lock_rules(flags: u32, modes: u32, directory: Option<&[u8]>) -> LockRules<'_> {
    let for_write = rules(flags, modes);
    LockRules {
        is_shared: has(flags, SHARED),
        mode: modes & 0o777,
        directory,
        make_parents: for_write.make_parents,
        is_for_file: has(flags, FOR_FILE),
        is_root_by_path: has(flags, ROOT_BY_PATH),
    }
}

fn attempt(lock: &mut Lock, holder: &[u8]) -> Result<Record, Error> {
    let is_held = lock.try_lock()?;
    let mut record = Record::new(0.0);
    record.set_path(Some(lock.path()));
    record.text.push(0);
    set_identity(&mut record, lock.identity());
    record.numbers[layout::IS_HELD] = f64::from(u8::from(is_held));
    record.numbers[layout::IS_OF_HOST] = f64::from(u8::from(lock.is_of_host()));
    if is_held {
        lock.sign(holder);
    } else {
        record.text.extend_from_slice(&path::shown(&lock.holder()));
    }
    Ok(record)
}

/// Opens the lock file of a path and takes the lock if it is free, in the pool.
#[napi(catch_unwind)]
pub fn lock_open(
    path: PathArgument,
    flags: u32,
    modes: u32,
    directory: Option<PathArgument>,
    holder: Bytes,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let holder = holder.as_slice().to_vec();
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let directory = directory.as_ref().map(|directory| directory.0.as_slice());
            let mut lock = Lock::open(&scope, &path.0, &lock_rules(flags, modes, directory))?;
            let record = attempt(&mut lock, &holder)?;
            Ok((record, lock))
        });
        match result {
            Ok((record, lock)) => Reply {
                record,
                extra: Extra::Lock(Arc::new(Slot::new(lock))),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    })
}

/// Returns the error for a lock that was released.
fn released() -> Error {
    Error::refused(Code::Internal, "lock-used-after-release")
}

/// Takes the lock of an open lock file if it is free, in the pool.
#[napi(catch_unwind)]
pub fn lock_try(lock: &LockHandle, holder: Bytes) -> AsyncTask<Job> {
    let lock = Arc::clone(lock);
    let holder = holder.as_slice().to_vec();
    Job::queue(move || {
        Reply::of(guarded(|| {
            lock.with(|lock| attempt(lock, &holder))
                .ok_or_else(released)?
        }))
    })
}

/// Releases a lock. Returns an error when it was lost while it was held.
fn release(lock: &Slot<Lock>) -> Result<Record, Error> {
    if let Some(lock) = lock.take() {
        lock.release()?;
    }
    Ok(Record::new(0.0))
}

/// Releases a lock in the pool.
#[napi(catch_unwind)]
pub fn lock_release(lock: &LockHandle) -> AsyncTask<Job> {
    let lock = Arc::clone(lock);
    Job::queue(move || Reply::of(guarded(|| release(&lock))))
}

/// Releases a lock on the calling thread: for lock files on file systems of this host.
#[napi(catch_unwind)]
pub fn lock_release_sync(lock: &LockHandle, scratch: Scratch) {
    scratch.put(&guarded(|| release(lock)).unwrap_or_else(|failure| failure));
}

/// Returns a hash of what was read for an update. The upper 53 bits: a number has them all.
#[napi(catch_unwind)]
pub fn content_hash(content: Bytes) -> f64 {
    number_of(write::content_hash(content.as_slice()))
}

#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn number_of(hash: u64) -> f64 {
    (hash >> 11) as f64
}

/// The file as it was read for an update, in the numbers of `fs.Stats`. Empty: there was none. Length and
/// hash of its content follow where that is compared.
struct Version(Vec<f64>);

impl Version {
    /// How many numbers the stat has.
    const STAT: usize = 5;

    #[allow(clippy::float_cmp, reason = "both are computed in the same way")]
    fn is_of(&self, named: &write::Named<'_>) -> Result<bool, Error> {
        let Some(stat) = named.stat() else {
            return Ok(self.0.is_empty());
        };
        let now: [f64; Self::STAT] = [
            stat.dev as f64,
            stat.ino as f64,
            stat.size as f64,
            milliseconds(stat.modified),
            milliseconds(stat.changed),
        ];
        if !self.0.starts_with(&now) {
            return Ok(false);
        }
        let [length, read] = self.0[Self::STAT..] else {
            return Ok(true);
        };
        // One byte more shows a file that grew.
        let hash = named.content_hash(length as usize + 1)?;
        Ok(hash.map(number_of) == Some(read))
    }
}

/// Writes in the pool if the file is as it was read, and the lock as it was taken.
#[napi(catch_unwind)]
#[allow(
    clippy::too_many_arguments,
    reason = "as flat as those of `write_async`"
)]
pub fn write_checked_async(
    path: PathArgument,
    data: Bytes,
    flags: u32,
    modes: u32,
    root: Option<&RootHandle>,
    cancel: Option<&CancelHandle>,
    lock: Option<&LockHandle>,
    version: Vec<f64>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    let lock = lock.map(|lock| Arc::clone(lock));
    let copy = copied(data.as_slice());
    let version = Version(version);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let check = |named: &write::Named<'_>| {
                if let Some(lock) = &lock {
                    let directory = named.directory()?;
                    lock.with(|lock| lock.check_for(directory))
                        .ok_or_else(released)??;
                }
                if version.is_of(named)? {
                    Ok(())
                } else {
                    Err(Error::refused(Code::Conflict, ""))
                }
            };
            let written = write::write_checked(
                &scope,
                &path.0,
                &copy?,
                &rules(flags, modes),
                &|| is_raised(cancel.as_ref()),
                &check,
            )?;
            Ok(describe(&scope, &written))
        }))
    })
}
