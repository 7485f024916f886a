//! `Root#rename`.

use crate::args::{PathArgument, has, scope};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, Scratch, containment, guarded_steps};
use crate::record_layout::rename as layout;
use holdfast_core::ops::Failure;
use holdfast_core::ops::rename::{self, Rules, Side};
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use std::sync::Arc;

/// Decodes the options of `lib/root/rename.ts`: the policy of the second path is in bits 8 and 9,
/// the mode of missing directories in bits 16 to 24.
fn rules(flags: u32) -> Rules {
    Rules {
        overwrite: has(flags, 2),
        is_durable: has(flags, 3),
        make_parents: has(flags, 4).then_some((flags >> 16) & 0o777),
    }
}

fn run(
    (from, to): (&[u8], &[u8]),
    flags: u32,
    root: Option<&Arc<Root>>,
    to_root: Option<&Arc<Root>>,
) -> Result<Record, Failure> {
    let old = scope(flags, root);
    let new = scope(flags >> 8, to_root.or(root));
    let from = Side {
        scope: &old,
        path: from,
    };
    let to = Side {
        scope: &new,
        path: to,
    };
    let renamed = rename::rename(from, to, &rules(flags))?;
    let mut record = Record::new(containment(&new));
    record.set_path(Some(&renamed.path));
    record.numbers[layout::IS_SAME] = f64::from(u8::from(renamed.is_same));
    record.numbers[layout::DURABLE] = f64::from(u8::from(renamed.is_durable));
    Ok(record)
}

/// Renames on the calling thread.
#[napi(catch_unwind)]
pub fn rename_sync(
    from: PathArgument,
    to: PathArgument,
    flags: u32,
    root: Option<&RootHandle>,
    to_root: Option<&RootHandle>,
    scratch: Scratch,
) {
    let (root, to_root) = (clone_root(root), clone_root(to_root));
    let result = guarded_steps(|| {
        let (root, to_root) = (root?, to_root?);
        run((&from.0, &to.0), flags, root.as_ref(), to_root.as_ref())
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Renames in the pool.
#[napi(catch_unwind)]
pub fn rename_async(
    from: PathArgument,
    to: PathArgument,
    flags: u32,
    root: Option<&RootHandle>,
    to_root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let (root, to_root) = (clone_root(root), clone_root(to_root));
    Job::queue(move || {
        Reply::of(guarded_steps(|| {
            let (root, to_root) = (root?, to_root?);
            run((&from.0, &to.0), flags, root.as_ref(), to_root.as_ref())
        }))
    })
}
