//! Paths as callers write them, and the working directory.

use crate::error::{Code, Error};
use crate::path;
use crate::sys;
use std::borrow::Cow;

/// A path as the core takes it.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::DevicePath`].
#[inline(always)]
pub(crate) fn from_caller(raw: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    path::from_caller(raw, working_directory)
}

/// The absolute path beneath the working directory as it is now, in the form of the caller.
///
/// # Errors
///
/// [`Code::InvalidPath`]; [`Code::NotFound`] where the working directory was removed.
pub fn absolute(raw: &[u8]) -> Result<Vec<u8>, Error> {
    let path = from_caller(raw)?;
    let absolute = path::join(&working_directory()?, &path).into_owned();
    Ok(path::shown(&absolute).into_owned())
}

/// The working directory, which may have been removed.
pub(crate) fn working_directory() -> Result<Vec<u8>, Error> {
    sys::current_directory().map_err(|os| match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "working-directory", os),
        _ => os.into(),
    })
}
