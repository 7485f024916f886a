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

/// Whether an object with these permission bits can have an ACL that matters: the group bits are
/// its mask, and without them no entry grants anything.
pub(crate) fn may_have_acl(mode: u32) -> bool {
    mode & 0o070 != 0
}

/// Whether an ACL gives anybody what the permission bits do not show: never, with a mask.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, and asking can fail"
)]
pub(crate) fn acl_grants(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// The access ACL of what a descriptor leads to, also one opened with `O_PATH`, as stored;
/// `None` where there is none, or none can be. ENOSYS (a filter) says nothing of either.
pub(crate) fn get_acl(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    let link = proc_link(fd);
    let mut acl = vec![0; 512];
    loop {
        // SAFETY: both strings live until the call returns, and the kernel writes at most the
        // given number of bytes into memory of that length.
        let length = unsafe {
            libc::getxattr(
                link.as_ptr(),
                ACCESS_ACL.as_ptr(),
                acl.as_mut_ptr().cast(),
                acl.len(),
            )
        };
        match usize::try_from(length) {
            Ok(length) => {
                acl.truncate(length);
                return Ok(Some(acl));
            }
            Err(_) => match Errno::last_raw() {
                libc::ERANGE if acl.len() < ACL_SIZE => acl.resize(ACL_SIZE, 0),
                // ENOENT: no /proc, so there is nothing to ask by.
                libc::ENODATA | libc::ENOTSUP | libc::ENOENT => return Ok(None),
                errno => {
                    return Err(Os {
                        errno,
                        syscall: "getxattr",
                    });
                }
            },
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

/// Removes the access ACL of an open file; not having one is fine.
pub(crate) fn remove_acl(fd: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: the descriptor is borrowed and open, and the name is a static C string.
    let answer = unsafe { libc::fremovexattr(fd.as_raw_fd(), ACCESS_ACL.as_ptr()) };
    match named("removexattr", Errno::result(answer).map(drop)) {
        Err(os) if matches!(os.errno, libc::ENODATA | libc::ENOTSUP | libc::ENOSYS) => Ok(()),
        answer => answer,
    }
}
