//! Makes paths absolute at the time of a call.

use crate::args::PathArgument;
use crate::record::{Scratch, guarded};
use holdfast_core::resolve;
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Result};
use napi_derive::napi;

/// Returns the path beneath the current working directory; `None` with an error in the record.
#[napi(catch_unwind)]
pub fn absolute_path<'env>(
    env: &'env Env,
    path: PathArgument,
    scratch: Scratch,
) -> Result<Option<BufferSlice<'env>>> {
    match guarded(|| resolve::absolute(&path.0)) {
        Ok(absolute) => BufferSlice::copy_from(env, absolute).map(Some),
        Err(failure) => {
            scratch.put(&failure);
            Ok(None)
        }
    }
}
