//! POSIX access ACLs, which Linux keeps in an extended attribute. What they mean is judged in
//! [`crate::permission`].
#![allow(
    unsafe_code,
    reason = "extended attributes have no safe wrapper in nix"
)]

use super::linux::proc_link;
use super::unix::named;
use crate::error::Os;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Name of the POSIX access ACL among extended attributes.
const ACCESS_ACL: &CStr = c"system.posix_acl_access";

/// More than any ACL: a file system block holds an entry in 8 bytes.
const ACL_SIZE: usize = 64 * 1024;

/// Whether an ACL gives anybody what the permission bits do not show: never, with a mask.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn acl_grants(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// Returns the access ACL of an open file, as stored; `None` where there is none, or none can be.
pub(crate) fn get_acl(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    read_value(|value| {
        // SAFETY: the descriptor is borrowed and open, the name is a static C string, and the
        // kernel writes at most the given number of bytes into memory of that length.
        let length = unsafe {
            libc::fgetxattr(
                fd.as_raw_fd(),
                ACCESS_ACL.as_ptr(),
                value.as_mut_ptr().cast(),
                value.len(),
            )
        };
        Errno::result(length)
    })
}

/// Returns the access ACL of what a descriptor holds that was opened with `O_PATH`.
pub(crate) fn get_acl_of_held(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    let link = proc_link(fd);
    let acl = read_value(|value| {
        // SAFETY: both strings live until the call returns, and the kernel writes at most the
        // given number of bytes into memory of that length.
        let length = unsafe {
            libc::getxattr(
                link.as_ptr(),
                ACCESS_ACL.as_ptr(),
                value.as_mut_ptr().cast(),
                value.len(),
            )
        };
        Errno::result(length)
    });
    match acl {
        // Without /proc there is no way to read it.
        Err(os) if os.errno == libc::ENOENT => named("getxattr", Err(Errno::ENOSYS)),
        acl => acl,
    }
}

/// Has `read` fill memory that is large enough for the value.
fn read_value(read: impl Fn(&mut [u8]) -> nix::Result<isize>) -> Result<Option<Vec<u8>>, Os> {
    let mut value = vec![0; 512];
    loop {
        match read(&mut value) {
            Ok(length) => {
                value.truncate(usize::try_from(length).unwrap_or_default());
                return Ok(Some(value));
            }
            Err(Errno::ERANGE) if value.len() < ACL_SIZE => value.resize(ACL_SIZE, 0),
            // No such attribute, or a file system without ACLs.
            Err(Errno::ENODATA | Errno::ENOTSUP) => return Ok(None),
            Err(errno) => return named("getxattr", Err(errno)),
        }
    }
}

/// Sets the access ACL of an open file. It sets the permission bits as well.
pub(crate) fn set_acl(fd: BorrowedFd<'_>, acl: &[u8]) -> Result<(), Os> {
    // SAFETY: the descriptor is borrowed and open; the value is read within its length only.
    let answer = unsafe {
        libc::fsetxattr(
            fd.as_raw_fd(),
            ACCESS_ACL.as_ptr(),
            acl.as_ptr().cast(),
            acl.len(),
            0,
        )
    };
    named("setxattr", Errno::result(answer).map(drop))
}

/// Whether a file has the owner that another had, where that shows in an ACL: here it shows in its
/// numbers.
pub(crate) fn keeps_owner(_: BorrowedFd<'_>, _: Option<&[u8]>) -> bool {
    true
}

/// Removes the access ACL of an open file. Succeeds where there is none, or none can be.
pub(crate) fn remove_acl(fd: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: the descriptor is borrowed and open, and the name is a static C string.
    let answer = unsafe { libc::fremovexattr(fd.as_raw_fd(), ACCESS_ACL.as_ptr()) };
    match named("removexattr", Errno::result(answer).map(drop)) {
        Err(os) if matches!(os.errno, libc::ENODATA | libc::ENOTSUP) => Ok(()),
        answer => answer,
    }
}
