//! Errno values as libuv numbers them on Windows, and the mapping of system codes to them.

use crate::error::Os;
use windows_sys::Win32::Foundation as win;
use windows_sys::Win32::Foundation::NTSTATUS;

pub(crate) const EACCES: i32 = 4092;

pub(crate) const EAGAIN: i32 = 4088;

pub(crate) const EBADF: i32 = 4083;

pub(crate) const EBUSY: i32 = 4082;

pub(crate) const EEXIST: i32 = 4075;

pub(crate) const EFBIG: i32 = 4036;

pub(crate) const EINVAL: i32 = 4071;

pub(crate) const EIO: i32 = 4070;

pub(crate) const EISDIR: i32 = 4068;

pub(crate) const ELOOP: i32 = 4067;

pub(crate) const EMFILE: i32 = 4066;

pub(crate) const ENAMETOOLONG: i32 = 4064;

pub(crate) const ENFILE: i32 = 4061;

pub(crate) const ENODEV: i32 = 4059;

pub(crate) const ENOENT: i32 = 4058;

/// No Windows call returns it: no locks on this file system.
pub(crate) const ENOLCK: i32 = 4094;

pub(crate) const ENOMEM: i32 = 4057;

pub(crate) const ENOSPC: i32 = 4055;

pub(crate) const ENOSYS: i32 = 4054;

pub(crate) const ENOTDIR: i32 = 4052;

pub(crate) const ENOTEMPTY: i32 = 4051;

pub(crate) const ENOTSUP: i32 = 4049;

pub(crate) const ENXIO: i32 = 4033;

/// No Windows call returns it: an owner without an id in this view of a file system.
pub(crate) const EOVERFLOW: i32 = 4026;

pub(crate) const EPERM: i32 = 4048;

pub(crate) const EROFS: i32 = 4043;

pub(crate) const ETIMEDOUT: i32 = 4039;

pub(crate) const EXDEV: i32 = 4037;

/// The errno of libuv for denied permissions.
pub(crate) const DENIED: i32 = EPERM;

/// The errno of libuv for codes without a name.
const UNKNOWN: i32 = 4094;

/// Builds an error from a Win32 code.
pub(super) fn of_code(syscall: &'static str, code: u32) -> Os {
    let errno = match code {
        // libuv maps denied access to EPERM, not to EACCES.
        win::ERROR_ACCESS_DENIED | win::ERROR_PRIVILEGE_NOT_HELD => EPERM,
        win::ERROR_NOACCESS | win::ERROR_ELEVATION_REQUIRED | win::ERROR_CANT_ACCESS_FILE => EACCES,
        win::ERROR_SHARING_VIOLATION | win::ERROR_LOCK_VIOLATION | win::ERROR_PIPE_BUSY => EBUSY,
        win::ERROR_FILE_NOT_FOUND
        | win::ERROR_PATH_NOT_FOUND
        | win::ERROR_INVALID_NAME
        | win::ERROR_INVALID_DRIVE
        | win::ERROR_BAD_PATHNAME
        | win::ERROR_DIRECTORY
        | win::ERROR_INVALID_REPARSE_DATA => ENOENT,
        win::ERROR_ALREADY_EXISTS | win::ERROR_FILE_EXISTS => EEXIST,
        win::ERROR_INVALID_HANDLE | win::ERROR_INVALID_FLAGS => EBADF,
        win::ERROR_INVALID_PARAMETER | win::ERROR_INVALID_DATA | win::ERROR_INSUFFICIENT_BUFFER => {
            EINVAL
        }
        win::ERROR_CANT_RESOLVE_FILENAME => ELOOP,
        win::ERROR_TOO_MANY_OPEN_FILES => EMFILE,
        win::ERROR_FILENAME_EXCED_RANGE => ENAMETOOLONG,
        win::ERROR_NOT_ENOUGH_MEMORY | win::ERROR_OUTOFMEMORY => ENOMEM,
        win::ERROR_DISK_FULL
        | win::ERROR_HANDLE_DISK_FULL
        | win::ERROR_CANNOT_MAKE
        | win::ERROR_END_OF_MEDIA => ENOSPC,
        win::ERROR_DIR_NOT_EMPTY => ENOTEMPTY,
        win::ERROR_NOT_SUPPORTED => ENOTSUP,
        win::ERROR_WRITE_PROTECT => EROFS,
        win::ERROR_SEM_TIMEOUT => ETIMEDOUT,
        win::ERROR_NOT_SAME_DEVICE => EXDEV,
        win::ERROR_INVALID_FUNCTION => EISDIR,
        win::ERROR_CRC | win::ERROR_IO_DEVICE | win::ERROR_GEN_FAILURE => EIO,
        _ => UNKNOWN,
    };
    Os { errno, syscall }
}

/// Builds an error from an NTSTATUS, where Win32 has one code for several statuses.
pub(super) fn of_status(syscall: &'static str, status: NTSTATUS) -> Os {
    let errno = match status {
        win::STATUS_NOT_A_DIRECTORY => ENOTDIR,
        win::STATUS_FILE_IS_A_DIRECTORY => EISDIR,
        win::STATUS_REPARSE_POINT_ENCOUNTERED | win::STATUS_STOPPED_ON_SYMLINK => ELOOP,
        // The file exists until its last handle closes, but can no longer be opened.
        win::STATUS_DELETE_PENDING => ENOENT,
        _ => {
            // SAFETY: the call takes a number and returns one.
            let code = unsafe { win::RtlNtStatusToDosError(status) };
            return of_code(syscall, code);
        }
    };
    Os { errno, syscall }
}

/// Returns the error of the preceding Win32 call.
pub(super) fn last(syscall: &'static str) -> Os {
    let error = std::io::Error::last_os_error();
    let code = error.raw_os_error().unwrap_or_default();
    of_code(syscall, u32::from_ne_bytes(code.to_ne_bytes()))
}

pub(super) fn succeeded(syscall: &'static str, result: windows_sys::core::BOOL) -> Result<(), Os> {
    if result == 0 {
        Err(last(syscall))
    } else {
        Ok(())
    }
}

pub(super) fn unsupported(syscall: &'static str) -> Os {
    Os {
        errno: ENOTSUP,
        syscall,
    }
}
