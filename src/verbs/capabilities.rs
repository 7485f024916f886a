//! The features of this build on this system.

use holdfast_core::features::Features;
use napi_derive::napi;

/// Returns the features of the system, as bits in the order of `lib/native/capabilities.ts`.
#[napi(catch_unwind)]
#[must_use]
pub fn features() -> u32 {
    let found = Features::detect();
    [
        found.kernel_resolver,
        found.rename_new,
        found.fchmodat2,
        found.statx,
        found.unnamed_files,
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (index, &works)| bits | u32::from(works) << index)
}

/// Returns the version of the crate that the binary was built from.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
