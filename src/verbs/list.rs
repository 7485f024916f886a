//! `list` of a root.

use crate::args::{PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::entries::encode;
use crate::handle::{RootHandle, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::CONTAINMENT;
use holdfast_core::error::Error;
use holdfast_core::ops::list::{self, Listed, Rules};
use holdfast_core::resolve::Scope;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

/// Flag bit: each entry gets its stat.
const STAT: u32 = 2;

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`lib/` passes an integer or infinity, which becomes the largest number"
)]
fn rules(flags: u32, max_entries: f64) -> Rules {
    Rules {
        wants_stat: has(flags, STAT),
        max_entries: max_entries as u64,
    }
}

fn fill(record: &mut Record, scope: &Scope<'_>, listed: &Listed) -> Vec<u8> {
    record.numbers[CONTAINMENT] = containment(scope);
    record.set_path(listed.text.as_deref());
    encode(record, &listed.entries)
}

/// Runs on the calling thread. The value is a Buffer with the entries.
///
/// Arguments: path, flags, `maxEntries`, root and its number.
pub(crate) fn list_sync(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, max_entries) = (call.bits(1)?, call.number(2)?);
    let root = call.root(3)?;
    let scope = scope(flags, root.as_ref());
    let listed = list::list(&scope, path, &rules(flags, max_entries))?;
    let data = fill(record, &scope, &listed);
    Ok(Some(call.buffer(&data)?))
}

/// Runs in the pool.
#[napi(catch_unwind)]
pub fn list_async(
    path: PathArgument,
    flags: u32,
    max_entries: f64,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        let result = guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let listed = list::list(&scope, &path.0, &rules(flags, max_entries))?;
            let mut record = Record::new(0.0);
            let data = fill(&mut record, &scope, &listed);
            Ok(Reply {
                record,
                extra: Extra::Data(data),
            })
        });
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    })
}
