//! Paths that are fixed at the time of a call.

use super::arguments::PathArgument;
use super::record::{Scratch, guarded};
use crate::error::Error;
use crate::{path, resolve};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Result};
use napi_derive::napi;

/// The path beneath the working directory as it is now; nothing when the record says why not.
#[napi(catch_unwind)]
pub fn absolute_path<'env>(
    env: &'env Env,
    path: PathArgument,
    scratch: Scratch,
) -> Result<Option<BufferSlice<'env>>> {
    match guarded(|| fixed(&path.0)) {
        Ok(absolute) => BufferSlice::copy_from(env, absolute).map(Some),
        Err(failure) => {
            scratch.put(&failure);
            Ok(None)
        }
    }
}

fn fixed(raw: &[u8]) -> std::result::Result<Vec<u8>, Error> {
    let path = path::from_caller(raw)?;
    let absolute = path::join(&resolve::working_directory()?, &path).into_owned();
    Ok(path::shown(&absolute).into_owned())
}
