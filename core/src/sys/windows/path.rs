//! The path of a handle, and the spelling of names.

use super::errno::{EINVAL, ENAMETOOLONG, ENOTSUP, last, of_code};
use super::fd::{BorrowedFd, raw};
use crate::error::Os;
use crate::path;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_NAME_NORMALIZED, GetFinalPathNameByHandleW, VOLUME_NAME_DOS,
};

/// Names have a short and a long form, in any case.
pub(crate) const NAMES_ARE_EXACT: bool = false;

/// Absolute paths start at a drive.
pub(crate) const HAS_DRIVES: bool = true;

/// Converts a name to UTF-16.
pub(super) fn wide(syscall: &'static str, name: &[u8]) -> Result<Vec<u16>, Os> {
    let failed = |errno| Os { errno, syscall };
    if path::is_too_long(name) {
        return Err(failed(ENAMETOOLONG));
    }
    let text = std::str::from_utf8(name).map_err(|_| failed(EINVAL))?;
    Ok(text.encode_utf16().collect())
}

/// Converts an absolute path to the kernel's form.
pub(super) fn full_name(internal: &[u8]) -> Result<Vec<u16>, Os> {
    let failed = |errno| Os {
        errno,
        syscall: "open",
    };
    let normal = path::normalize(internal);
    if path::components(&normal).any(path::is_too_long) {
        return Err(failed(ENAMETOOLONG));
    }
    let shown = path::shown(&normal);
    let text = std::str::from_utf8(&shown).map_err(|_| failed(EINVAL))?;
    Ok(r"\??\".encode_utf16().chain(text.encode_utf16()).collect())
}

/// Returns the working directory, if it has a drive.
pub(crate) fn current_directory() -> Result<Vec<u8>, Os> {
    let failed = |errno| Os {
        errno,
        syscall: "uv_cwd",
    };
    let here = std::env::current_dir().map_err(|error| {
        let code = error.raw_os_error().unwrap_or_default();
        of_code("uv_cwd", u32::from_ne_bytes(code.to_ne_bytes()))
    })?;
    let text = here.to_str().ok_or(failed(EINVAL))?;
    path::from_namespace(text)
        .or_else(|| path::from_namespace(&[r"\\?\", text].concat()))
        .ok_or(failed(ENOTSUP))
}

/// Returns whether a path leads to the working directory. The system keeps it as a path.
pub(crate) fn is_working_directory(_: &[u8]) -> bool {
    true
}

/// Returns the current path of a handle, if it lies on a drive.
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    /// Limit of the kernel for a path, in UTF-16 units.
    const MAX_UNITS: usize = 32768;
    let mut buf = vec![0_u16; MAX_UNITS];
    // SAFETY: the handle is borrowed and open, and the buffer has the given size.
    let length = unsafe {
        GetFinalPathNameByHandleW(
            raw(fd),
            buf.as_mut_ptr(),
            MAX_UNITS as u32,
            FILE_NAME_NORMALIZED | VOLUME_NAME_DOS,
        )
    };
    let text = match length as usize {
        0 => return Err(last("realpath")),
        length => String::from_utf16(buf.get(..length).unwrap_or_default()),
    };
    let failed = |errno| Os {
        errno,
        syscall: "realpath",
    };
    path::from_namespace(&text.map_err(|_| failed(EINVAL))?).ok_or(failed(ENOTSUP))
}

/// Returns `None`: the path of a handle is always available from [`fd_path`].
pub(crate) fn resolved_path(_: BorrowedFd<'_>, _: &[u8]) -> Option<Vec<u8>> {
    None
}
