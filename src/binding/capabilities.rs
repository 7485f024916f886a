//! What this build can do on this system.

use super::arguments::resolver;
use crate::resolve::Resolver;
use crate::sys;
use napi_derive::napi;

/// What the system was found to offer, as bits in the order of `lib/capabilities.js`.
#[napi(catch_unwind)]
#[must_use]
pub fn features() -> u32 {
    [
        resolver() == Resolver::Kernel,
        sys::rename_new_works(),
        sys::fchmodat2_works(),
        sys::statx_works(),
        sys::link_held_works(),
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (place, &is_there)| {
        bits | u32::from(is_there) << place
    })
}

/// Version of the crate that the binary was built from.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
