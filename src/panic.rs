//! The guard that no panic of the core passes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic said.
pub(crate) struct Panic(pub(crate) String);

/// Runs `body`, and catches its panic.
#[inline(always)]
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    // Nothing that a panic may have left half-changed is used again: what the body owns is
    // dropped, and what it borrows are arguments of this one call.
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| Panic(message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
        .to_owned()
}
