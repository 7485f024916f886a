//! `ensureDir`.

use crate::args::{PROBE_LOCALITY, PathArgument, PathRoom, has, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, containment, guarded};
use crate::record_layout::{CONTAINMENT, ensure_dir as layout};
use holdfast_core::error::Error;
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops::ensure_dir::{self, Ensured, Existing, Hardening, OpenDirectory, Rules};
use holdfast_core::path;
use holdfast_core::resolve::Scope;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

pub(crate) fn rules(flags: u32, mode: u32) -> Rules {
    Rules {
        mode: mode & 0o777,
        existing: match (flags >> 2) & 3 {
            0 => Existing::Tighten,
            1 => Existing::Require,
            2 => Existing::Leave,
            _ => Existing::OptOut,
        },
    }
}

pub(crate) fn describe(scope: &Scope<'_>, ensured: Ensured) -> Record {
    let mut record = Record::new(containment(scope));
    fill(&mut record, ensured);
    record
}

#[inline(always)]
fn fill(record: &mut Record, ensured: Ensured) {
    record.set_path(ensured.real.as_deref());
    record.numbers[layout::MODE] = f64::from(ensured.mode);
    record.numbers[layout::IS_PRIVATE] = f64::from(u8::from(ensured.is_private));
    record.numbers[layout::HARDENING] = f64::from(ensured.hardening as u8);
    record.numbers[layout::REASON] = ensured
        .reason
        .map_or(0.0, |reason| f64::from(reason as u8) + 1.0);
    if let Some(first) = ensured.first_created {
        let first = path::shown(&first);
        record.numbers[layout::FIRST_CREATED] = crate::record::length(first.len());
        record.text.extend_from_slice(&first);
    }
}

/// Runs on the calling thread if that cannot block; otherwise the record has the status for that,
/// and as its text the first directory that was created before that was known.
///
/// Arguments: path, flags, mode, none, root and its number.
pub(crate) fn ensure_dir_cached(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, mode) = (call.bits(1)?, call.bits(2)?);
    let root = call.root(4)?;
    let scope = scope(flags, root.as_ref());
    let mut created = None;
    match nonblocking::ensure_dir(&scope, path, &rules(flags, mode), &mut created) {
        Cached::Known(ensured) => {
            record.numbers[CONTAINMENT] = containment(&scope);
            fill(record, ensured);
        }
        Cached::NotCached(probe_locality) => {
            *record = Record::not_cached(probe_locality);
            record.text = created.unwrap_or_default();
        }
    }
    Ok(None)
}

/// Runs on the calling thread. Calls JavaScript for the operator's opt-out only when it matters,
/// since reading the environment is expensive.
///
/// Arguments: path, flags, mode, `isOptedOut`, root and its number.
pub(crate) fn ensure_dir_sync(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, mode) = (call.bits(1)?, call.bits(2)?);
    let root = call.root(4)?;
    let scope = scope(flags, root.as_ref());
    let mut rules = rules(flags, mode);
    let directory = OpenDirectory::open_or_make(&scope, path, rules.mode)?;
    if rules.existing == Existing::Tighten && directory.differs_from(&rules) && call.is_so(3) {
        rules.existing = Existing::OptOut;
    }
    let ensured = directory.harden(&rules)?;
    record.numbers[CONTAINMENT] = containment(&scope);
    fill(record, ensured);
    Ok(None)
}

/// Runs in the pool.
///
/// `created` is the first directory that the call created on the calling thread.
#[napi(catch_unwind)]
pub fn ensure_dir_async(
    path: PathArgument,
    flags: u32,
    mode: u32,
    root: Option<&RootHandle>,
    created: Option<PathArgument>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            if has(flags, PROBE_LOCALITY) {
                nonblocking::probe_locality(&scope, &path.0);
            }
            let mut ensured = ensure_dir::ensure_dir(&scope, &path.0, &rules(flags, mode))?;
            if let Some(first) = created {
                if first.0 == path.0 && ensured.hardening == Hardening::NotNeeded {
                    ensured.hardening = Hardening::Created;
                }
                ensured.first_created = Some(first.0);
            }
            Ok(describe(&scope, ensured))
        }))
    })
}
