//! The file that an asynchronous write will replace, for `lib/schedule/write-queue`.

use crate::args::{PathArgument, PathRoom, policy, scope};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, guarded};
use crate::record_layout::target_key as layout;
use crate::verbs::write::rules;
use holdfast_core::error::Error;
use holdfast_core::nonblocking::{Base, LastName, find_target_key};
use holdfast_core::ops::write::{self, FinalSymlink, TargetKey};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

/// Finds the target of a write through the kernel's caches.
///
/// Arguments: path, flags, path of the root or `undefined`, pinned root and its number.
pub(crate) fn write_target(call: &Call<'_>, record: &mut Record) -> Result<Value, Error> {
    let (mut path, mut root_path) = (PathRoom::new(), PathRoom::new());
    let path = call.path(0, &mut path)?;
    let flags = call.bits(1)?;
    let root = call.root(3)?;
    let base = match &root {
        Some(root) => Base::Pinned(root),
        None if call.is_given(2) => Base::Path(call.path(2, &mut root_path)?),
        None => Base::None,
    };
    let rules = rules(flags, 0);
    let last = LastName {
        follows: rules.final_symlink == FinalSymlink::Follow,
        wants_file: rules.in_place,
    };
    describe(record, find_target_key(base, policy(flags), path, last));
    Ok(None)
}

/// Two inodes that become one number only make their writes follow one another.
fn describe(record: &mut Record, target: TargetKey) {
    record.numbers[layout::KIND] = match target {
        TargetKey::NameOnly => layout::NAME_ONLY,
        TargetKey::Unknown => layout::UNKNOWN,
        TargetKey::Known {
            dev,
            ino,
            name,
            file,
        } => {
            record.numbers[layout::DEV] = dev as f64;
            record.numbers[layout::INO] = ino as f64;
            if let Some((dev, ino)) = file {
                record.numbers[layout::HAS_FILE] = 1.0;
                record.numbers[layout::FILE_DEV] = dev as f64;
                record.numbers[layout::FILE_INO] = ino as f64;
            }
            record.set_path(name.as_deref());
            if name.is_some() {
                layout::KNOWN_BY_NAME
            } else {
                layout::KNOWN
            }
        }
    };
}

/// Finds the target of a write in the pool, where it may block on file systems.
#[napi(catch_unwind)]
pub fn write_target_async(
    path: PathArgument,
    flags: u32,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        Reply::of(guarded(|| {
            let root = root?;
            let scope = scope(flags, root.as_ref());
            let mut record = Record::new(0.0);
            describe(
                &mut record,
                write::find_target(&scope, &path.0, &rules(flags, 0))?,
            );
            Ok(record)
        }))
    })
}
