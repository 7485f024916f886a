//! `Root#copy` and `Root#copyIn`.

use crate::args::{PathArgument, has, scope};
use crate::handle::{RootHandle, clone_root};
use crate::job::{Job, Reply};
use crate::record::{Record, Scratch, containment, guarded_steps};
use crate::record_layout::copy as layout;
use crate::verbs::remove::limit;
use crate::verbs::write::{CancelHandle, is_raised};
use holdfast_core::ops::Failure;
use holdfast_core::ops::copy::{self, Rules};
use holdfast_core::ops::rename::Side;
use holdfast_core::ops::write::{Durable, FinalSymlink};
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use std::sync::Arc;

/// The options of `lib/options/flatten-changes.ts`: bits, and two limits that may be infinite.
#[derive(Clone, Copy)]
struct Options {
    flags: u32,
    max_bytes: f64,
    max_entries: f64,
}

impl Options {
    /// The policy of the second path is in bits 8 and 9, the mode in bits 16 to 24.
    fn rules(self) -> Rules {
        let Self { flags, .. } = self;
        Rules {
            overwrite: has(flags, 2),
            recursive: has(flags, 3),
            durable: match (flags >> 4) & 3 {
                0 => Durable::No,
                1 => Durable::File,
                _ => Durable::Full,
            },
            reject_hardlinks: has(flags, 6),
            final_symlink: match (flags >> 10) & 3 {
                0 => FinalSymlink::Reject,
                1 => FinalSymlink::Replace,
                _ => FinalSymlink::Follow,
            },
            mode: has(flags, 12).then_some((flags >> 16) & 0o777),
            max_bytes: limit(self.max_bytes),
            max_entries: limit(self.max_entries),
        }
    }
}

/// Without `root`, the first path is resolved without one.
fn run(
    (from, to): (&[u8], &[u8]),
    options: Options,
    (root, to_root): (Option<&Arc<Root>>, Option<&Arc<Root>>),
    is_aborted: &dyn Fn() -> bool,
) -> Result<Record, Failure> {
    let old = scope(options.flags, root);
    let new = scope(options.flags >> 8, to_root);
    let from = Side {
        scope: &old,
        path: from,
    };
    let to = Side {
        scope: &new,
        path: to,
    };
    let copied = copy::copy(from, to, &options.rules(), is_aborted)?;
    let mut record = Record::new(containment(&new));
    record.set_path(copied.real.as_deref());
    record.numbers[layout::ENTRIES] = copied.entries as f64;
    record.numbers[layout::SIZE] = copied.bytes as f64;
    record.numbers[layout::DURABLE] = match copied.durable {
        Durable::No => 0.0,
        Durable::File => 1.0,
        Durable::Full => 2.0,
    };
    Ok(record)
}

/// Copies on the calling thread.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "flat arguments cost least")]
pub fn copy_sync(
    from: PathArgument,
    to: PathArgument,
    flags: u32,
    max_bytes: f64,
    max_entries: f64,
    root: Option<&RootHandle>,
    to_root: Option<&RootHandle>,
    scratch: Scratch,
) {
    let options = Options {
        flags,
        max_bytes,
        max_entries,
    };
    let roots = (clone_root(root), clone_root(to_root));
    let result = guarded_steps(|| {
        let (root, to_root) = (roots.0?, roots.1?);
        let roots = (root.as_ref(), to_root.as_ref());
        run((&from.0, &to.0), options, roots, &|| false)
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Copies in the pool. The job looks at the flag between two entries, and every 4 MiB.
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "flat arguments cost least")]
pub fn copy_async(
    from: PathArgument,
    to: PathArgument,
    flags: u32,
    max_bytes: f64,
    max_entries: f64,
    root: Option<&RootHandle>,
    to_root: Option<&RootHandle>,
    cancel: Option<&CancelHandle>,
) -> AsyncTask<Job> {
    let options = Options {
        flags,
        max_bytes,
        max_entries,
    };
    let roots = (clone_root(root), clone_root(to_root));
    let cancel = cancel.map(|cancel| Arc::clone(cancel));
    Job::queue(move || {
        let is_aborted = || is_raised(cancel.as_ref());
        Reply::of(guarded_steps(|| {
            let (root, to_root) = (roots.0?, roots.1?);
            let roots = (root.as_ref(), to_root.as_ref());
            run((&from.0, &to.0), options, roots, &is_aborted)
        }))
    })
}
