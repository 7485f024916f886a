//! `writeAtomic` of content that is complete.

use crate::args::{Bytes, PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::write as layout;
use holdfast_core::error::{Code, Error};
use holdfast_core::ops::write::Method;
use holdfast_core::ops::write::{self, Durable, FinalSymlink, Item, Rules, Written};
use holdfast_core::resolve::Scope;
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Decodes the options of a write: bits in `flags`; in `modes`, three modes of nine bits and
/// whether the first is given.
pub(crate) fn rules(flags: u32, modes: u32) -> Rules {
    Rules {
        mode: has(modes, 27).then_some(modes & 0o777),
        new_file_mode: (modes >> 9) & 0o777,
        make_parents: has(flags, 8).then_some((modes >> 18) & 0o777),
        overwrite: has(flags, 2),
        reject_hardlinks: has(flags, 3),
        in_place: has(flags, 9),
        final_symlink: match (flags >> 4) & 3 {
            0 => FinalSymlink::Reject,
            1 => FinalSymlink::Replace,
            _ => FinalSymlink::Follow,
        },
        durable: match (flags >> 6) & 3 {
            0 => Durable::No,
            1 => Durable::File,
            _ => Durable::Full,
        },
    }
}

pub(crate) fn describe(scope: &Scope<'_>, written: &Written) -> Record {
    let mut record = Record::new(containment(scope));
    record.set_path(written.real.as_deref());
    let numbers = &mut record.numbers;
    numbers[layout::CREATED] = f64::from(u8::from(written.created));
    numbers[layout::SIZE] = written.size as f64;
    numbers[layout::MODE] = f64::from(written.mode);
    numbers[layout::DEV] = written.dev as f64;
    numbers[layout::INO] = written.ino as f64;
    numbers[layout::METHOD] = match written.method {
        Method::Rename => 0.0,
        Method::Link => 1.0,
        Method::InPlace => 2.0,
    };
    numbers[layout::DURABLE] = match written.durable {
        Durable::No => 0.0,
        Durable::File => 1.0,
        Durable::Full => 2.0,
    };
    numbers[layout::PRESERVED] = written.preserved.map_or(-1.0, |kept| {
        f64::from(u8::from(kept.mode) | u8::from(kept.acl) << 1 | u8::from(kept.owner) << 2)
    });
    record
}

/// A flag that JavaScript raises to stop a write before it is published.
pub type CancelHandle = External<Arc<AtomicBool>>;

/// Creates a flag that is not raised.
#[napi(catch_unwind)]
pub fn cancel_new() -> CancelHandle {
    External::new(Arc::new(AtomicBool::new(false)))
}

/// Raises the flag.
#[napi(catch_unwind)]
pub fn cancel_raise(cancel: &CancelHandle) {
    cancel.store(true, Ordering::SeqCst);
}

/// Returns whether a flag is raised; false without one.
pub(crate) fn is_raised(cancel: Option<&Arc<AtomicBool>>) -> bool {
    cancel.is_some_and(|cancel| cancel.load(Ordering::SeqCst))
}

/// Writes on the calling thread.
///
/// Arguments: path, data, flags, modes, root and its number.
pub(crate) fn write_sync(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let data = call.bytes(1)?;
    let (flags, modes) = (call.bits(2)?, call.bits(3)?);
    let root = call.root(4)?;
    let scope = scope(flags, root.as_ref());
    let rules = rules(flags, modes);
    let written = write::write(&scope, path, data.as_slice(), &rules, &|| false)?;
    *record = describe(&scope, &written);
    Ok(None)
}

/// Writes in the pool. The bytes are copied during the call, so later changes by JavaScript cannot
/// corrupt the file or cause an access to freed memory.
#[napi(catch_unwind)]
pub fn write_async(
    path: PathArgument,
    data: Bytes,
    flags: u32,
    modes: u32,
    root: Option<&RootHandle>,
    cancel: Option<&CancelHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    let copy = copied(data.as_slice());
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let rules = rules(flags, modes);
            let is_aborted = || is_raised(cancel.as_ref());
            if is_aborted() {
                return Err(Error::refused(Code::Aborted, ""));
            }
            let written = write::write(&scope, &path.0, &copy?, &rules, &is_aborted)?;
            Ok(describe(&scope, &written))
        }))
    })
}

/// Copies bytes into memory of the core; a lack of memory is an error.
pub(crate) fn copied(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Error::refused(Code::TooLarge, "memory"))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Writes many files in one job. The bytes are copied during the call.
#[napi(catch_unwind)]
pub fn write_many_async(
    paths: Vec<PathArgument>,
    data: Vec<Bytes>,
    flags: Vec<u32>,
    modes: Vec<u32>,
    root: Option<&RootHandle>,
    cancel: Option<&CancelHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    // A lack of memory fails the entry alone.
    let copies: Vec<_> = data.iter().map(|data| copied(data.as_slice())).collect();
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            // All entries have the policy of the call.
            let scope = scope(flags.first().copied().unwrap_or_default(), root.as_ref());
            let items: Vec<_> = paths
                .iter()
                .zip(&copies)
                .zip(flags.iter().zip(&modes))
                .filter_map(|((path, data), (&flags, &modes))| {
                    Some(Item {
                        path: &path.0,
                        data: data.as_ref().ok()?,
                        rules: rules(flags, modes),
                    })
                })
                .collect();
            let mut answers =
                write::write_many(&scope, &items, &|| is_raised(cancel.as_ref())).into_iter();
            let record_of = |copy: &Result<Vec<u8>, Error>| {
                let written = match copy {
                    Ok(_) => answers.next()?,
                    Err(error) => Err(error.clone()),
                };
                Some(match written {
                    Ok(written) => describe(&scope, &written),
                    Err(error) => Record::failure(&error),
                })
            };
            Ok(copies.iter().filter_map(record_of).collect())
        });
        match result {
            Ok(records) => Reply {
                record: Record::new(0.0),
                extra: Extra::Records(records),
            },
            Err(failure) => Reply::of(Err(failure)),
        }
    })
}
