//! `openLocalFileSafely`.

use super::read::{describe, fill, rules};
use crate::args::{PROBE_LOCALITY, PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::{CONTAINMENT, read as layout};
use holdfast_core::error::Error;
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops::read::{self, OpenFile};
use napi::bindgen_prelude::{AsyncTask, External};
use napi_derive::napi;

/// Writes the descriptor's number into a record, and the bits of the inode that `set_stat` loses.
fn set_descriptor(record: &mut Record, file: &OpenFile) -> std::result::Result<(), Error> {
    record.numbers[layout::DESCRIPTOR] = f64::from(file.number_to_reopen()?);
    record.numbers[layout::INO_LOW] = f64::from(file.stat().ino as u32);
    Ok(())
}

/// Opens on the calling thread if that cannot block, as [`open_async`] does in the pool; otherwise
/// the record has the status for that. The value is the handle of the file.
///
/// Arguments: path, flags, `maxBytes`, root and its number.
pub(crate) fn open_cached(
    call: &Call<'_>,
    record: &mut Record,
) -> std::result::Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, max_bytes) = (call.bits(1)?, call.number(2)?);
    let root = call.root(3)?;
    let scope = scope(flags, root.as_ref());
    match nonblocking::open_file(&scope, path, &rules(flags, max_bytes), None) {
        Cached::Known(opened) => {
            record.numbers[CONTAINMENT] = containment(&scope);
            fill(record, &opened.file);
            set_descriptor(record, &opened.file)?;
            Ok(Some(call.external(Slot::new(opened.file))?))
        }
        Cached::NotCached(probe_locality) => {
            *record = Record::not_cached(probe_locality);
            Ok(None)
        }
    }
}

/// Opens in the pool. The record has the descriptor's number, to reopen the file. The descriptor
/// stays ours, and is closed when JavaScript closes the file or drops it.
#[napi(catch_unwind)]
pub fn open_async(
    path: PathArgument,
    flags: u32,
    max_bytes: f64,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            if has(flags, PROBE_LOCALITY) {
                nonblocking::probe_locality(&scope, &path.0);
            }
            let file = read::open(&scope, &path.0, &rules(flags, max_bytes))?;
            let mut record = describe(containment(&scope), &file);
            set_descriptor(&mut record, &file)?;
            Ok(Reply {
                record,
                extra: Extra::Pending(file),
            })
        });
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    })
}

/// Closes a file that [`open_cached`] opened, on the calling thread.
#[napi(catch_unwind)]
pub fn read_close(pending: &External<Slot<OpenFile>>) {
    if let Some(file) = pending.take() {
        file.close();
    }
}
