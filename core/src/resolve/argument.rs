//! Paths in the caller's form, and the working directory.

use crate::error::{Code, Error};
use crate::path;
use crate::sys;
use std::borrow::Cow;

/// Converts a path from the caller's form to the core's form.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::DevicePath`].
#[inline(always)]
pub(crate) fn from_caller(raw: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    path::from_caller(raw, working_directory)
}

/// Makes a path absolute beneath the current working directory, in the caller's form.
///
/// # Errors
///
/// [`Code::InvalidPath`]; [`Code::NotFound`] where the working directory was removed.
pub fn absolute(raw: &[u8]) -> Result<Vec<u8>, Error> {
    let path = from_caller(raw)?;
    let absolute = path::join(&working_directory()?, &path).into_owned();
    Ok(path::shown(&absolute).into_owned())
}

/// Returns the path of the working directory.
///
/// # Errors
///
/// [`Code::NotFound`] where it was removed or unmounted; [`Code::PathMismatch`] where its path leads
/// to another directory, as a mount covers it: relative paths are made absolute, and would lead
/// there.
pub(crate) fn working_directory() -> Result<Vec<u8>, Error> {
    let path = sys::current_directory().map_err(|os| match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "working-directory", os),
        _ => os.into(),
    })?;
    if sys::is_working_directory(&path) {
        Ok(path)
    } else {
        Err(Error::refused(Code::PathMismatch, "working-directory"))
    }
}
