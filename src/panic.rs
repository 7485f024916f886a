//! Catches panics of the core.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a panic.
pub(crate) struct Panic(pub(crate) String);

/// Runs `body`, and catches its panic.
#[inline(always)]
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    // No half-changed state is used again: the body's own values are dropped, and what it borrows
    // are arguments of this one call.
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
