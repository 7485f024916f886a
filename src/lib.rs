//! The Node-API binding of holdfast: flat arguments in, flat records out.
//!
//! Every function exists twice, on the calling thread and in libuv's pool, over one function of
//! `holdfast_core`. Errors cross as records too ([`record`]); `lib/` makes typed values and errors
//! of them. A panic becomes an `internal` error on either thread, never an abort:
//! [`record::guarded`] around the core makes a record of it, `catch_unwind` around every export
//! has `lib/native/load.ts` make the error of what happens beside the core, and [`handle`] keeps it from
//! the collector.
#![allow(
    unsafe_code,
    reason = "Node-API hands out pointers; each use argues why it is valid"
)]
#![allow(
    unreachable_pub,
    reason = "what `#[napi]` exports must be `pub`, and is reached from JavaScript alone"
)]
#![cfg_attr(
    test,
    allow(
        dead_code,
        reason = "`#[napi]` registers nothing in a test build, so nothing reaches this crate there"
    )
)]

mod args;
mod call;
#[cfg(feature = "test-defects")]
mod defects;
mod env;
mod handle;
mod job;
mod panic;
mod record;
mod record_layout;
mod register;
mod unfinished;
mod verbs;
