//! The Node-API binding of holdfast: flat arguments in, flat records out.
//!
//! Every verb has two functions over one function of `holdfast_core`: one runs on the calling
//! thread, one in libuv's pool. Errors are records too ([`record`]); `lib/` converts records to
//! typed values and errors. A panic becomes an `internal` error on either thread, never an abort:
//!
//! - [`record::guarded`] around the core converts it to a record.
//! - `catch_unwind` around every export covers the code outside the core; `lib/native/load.ts`
//!   builds the error.
//! - [`handle`] keeps it from the garbage collector.
#![allow(
    unsafe_code,
    reason = "Node-API hands out pointers; each use argues why it is valid"
)]
#![allow(
    unreachable_pub,
    reason = "what `#[napi]` exports must be `pub`, and is reached from JavaScript alone"
)]
#![allow(
    clippy::cast_precision_loss,
    reason = "numbers of JavaScript are doubles, as in fs.Stats"
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
mod entries;
mod env;
mod handle;
mod job;
mod panic;
mod record;
mod record_layout;
mod register;
mod unfinished_files;
mod verbs;
