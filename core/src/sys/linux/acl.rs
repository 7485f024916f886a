//! POSIX access ACLs, which Linux stores in an extended attribute. [`crate::metadata`] interprets
//! them.
#![allow(
    unsafe_code,
    reason = "extended attributes have no safe wrapper in nix"
)]

use super::errno::{is_shortage, knows_call};
use super::procfs;
use crate::error::Os;
use crate::sys::unix::{fstat, named, open_at};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// Name of the extended attribute of the POSIX access ACL.
const ACCESS_ACL: &CStr = c"system.posix_acl_access";

/// Larger than any ACL: an entry takes 8 bytes, and the value fits in a file system block.
const ACL_SIZE: usize = 64 * 1024;

/// Returns whether an ACL grants what the permission bits do not show: never, since the bits are
/// its mask.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call, which can fail"
)]
pub(crate) fn acl_grants(_: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(false)
}

/// Returns the access ACL of an open file, as stored; `None` where there is none, or ACLs are not
/// supported.
pub(crate) fn get_acl(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    read_value(|value| {
        // SAFETY: the descriptor is borrowed and open, and the name is a static C string. The
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

/// Returns the access ACL of an object whose descriptor was opened with `O_PATH`. `name` is the
/// directory and name it was opened from; `None` for a directory.
///
/// `fgetxattr` and `getxattrat(AT_EMPTY_PATH)` return EBADF for `O_PATH`. In order of preference:
/// the descriptor's name in procfs; a second, readable descriptor of the same object.
///
/// # Errors
///
/// ENOSYS where it cannot be read; the object may have an ACL all the same.
pub(crate) fn get_acl_of_path_fd(
    fd: BorrowedFd<'_>,
    name: Option<(BorrowedFd<'_>, &[u8])>,
) -> Result<Option<Vec<u8>>, Os> {
    match get_acl_by_procfs(fd) {
        // No procfs, or the call is refused: the ACL is unknown.
        Err(os)
            if matches!(
                os.errno,
                libc::ENOSYS | libc::EPERM | libc::EACCES | libc::ENOENT | libc::ELOOP
            ) => {}
        acl => return acl,
    }
    get_acl(open_readable(fd, name)?.as_fd())
}

fn get_acl_by_procfs(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    if !getxattrat_works() {
        let path = procfs::path_of(fd)?;
        return read_value(|value| {
            // SAFETY: both strings live until the call returns, and the kernel writes at most the
            // given number of bytes into memory of that length.
            let length = unsafe {
                libc::getxattr(
                    path.as_ptr(),
                    ACCESS_ACL.as_ptr(),
                    value.as_mut_ptr().cast(),
                    value.len(),
                )
            };
            Errno::result(length)
        });
    }
    let (descriptors, name) = procfs::way_to(fd)?;
    read_value(|value| {
        let mut into = XattrArgs {
            value: value.as_mut_ptr() as u64,
            size: u32::try_from(value.len()).unwrap_or(u32::MAX),
            flags: 0,
        };
        // SAFETY: the descriptor stays open for the life of the process. The strings and the
        // structure live until the call returns. The kernel writes at most the given number of
        // bytes into memory of that length.
        let length = unsafe {
            libc::syscall(
                SYS_GETXATTRAT,
                descriptors.as_raw_fd(),
                name.as_ptr(),
                0,
                ACCESS_ACL.as_ptr(),
                &raw mut into,
                size_of::<XattrArgs>(),
            )
        };
        Errno::result(length as isize)
    })
}

/// Opens the object of a descriptor a second time, for reading.
fn open_readable(fd: BorrowedFd<'_>, name: Option<(BorrowedFd<'_>, &[u8])>) -> Result<OwnedFd, Os> {
    let unknown = Os {
        errno: libc::ENOSYS,
        syscall: "getxattr",
    };
    let (dir, name) = name.unwrap_or((fd, b"."));
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let readable =
        open_at(dir, name, flags).map_err(|os| if is_shortage(os) { os } else { unknown })?;
    let (held, opened) = (fstat(fd)?, fstat(readable.as_fd())?);
    // Another file may have the name by now.
    if (held.dev, held.ino) == (opened.dev, opened.ino) {
        Ok(readable)
    } else {
        Err(unknown)
    }
}

/// Same number on every architecture; kernel 6.13 and newer.
const SYS_GETXATTRAT: libc::c_long = 464;

/// `struct xattr_args` of linux/xattr.h.
#[repr(C)]
struct XattrArgs {
    /// A pointer, in 64 bits on every architecture.
    value: u64,
    size: u32,
    flags: u32,
}

/// Returns whether `getxattrat` exists. Probed once, with an invalid descriptor.
fn getxattrat_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            let mut into = XattrArgs {
                value: 0,
                size: 0,
                flags: 0,
            };
            // SAFETY: the descriptor is invalid on purpose, the names are static C strings, and the
            // structure has the given size and requests no value.
            unsafe {
                libc::syscall(
                    SYS_GETXATTRAT,
                    -1,
                    c"".as_ptr(),
                    libc::AT_EMPTY_PATH,
                    ACCESS_ACL.as_ptr(),
                    &raw mut into,
                    size_of::<XattrArgs>(),
                )
            }
        })
    })
}

/// Calls `read` with a buffer that is large enough for the value.
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

/// Sets the access ACL of an open file. The call sets the permission bits as well.
pub(crate) fn set_acl(fd: BorrowedFd<'_>, acl: &[u8]) -> Result<(), Os> {
    // SAFETY: the descriptor is borrowed and open; the value is read within its length only.
    let result = unsafe {
        libc::fsetxattr(
            fd.as_raw_fd(),
            ACCESS_ACL.as_ptr(),
            acl.as_ptr().cast(),
            acl.len(),
            0,
        )
    };
    named("setxattr", Errno::result(result).map(drop))
}

/// Returns whether a file has the owner of another file, where only an ACL shows the owner. Always
/// true here: the uid shows it.
pub(crate) fn keeps_owner(_: BorrowedFd<'_>, _: Option<&[u8]>) -> bool {
    true
}

/// Removes the access ACL of an open file. Succeeds where there is none, or ACLs are not supported.
pub(crate) fn remove_acl(fd: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: the descriptor is borrowed and open, and the name is a static C string.
    let result = unsafe { libc::fremovexattr(fd.as_raw_fd(), ACCESS_ACL.as_ptr()) };
    match named("removexattr", Errno::result(result).map(drop)) {
        Err(os) if matches!(os.errno, libc::ENODATA | libc::ENOTSUP) => Ok(()),
        result => result,
    }
}
