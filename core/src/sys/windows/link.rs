//! Symlinks, read by the handle of the symlink itself.

use super::errno::{EINVAL, last};
use super::fd::{AsFd, BorrowedFd, OwnedFd, raw};
use super::open::{OFlag, PATH_ONLY_FLAG, open_absolute, open_at, reopen};
use super::stat::fstat;
use crate::error::Os;
use crate::path;
use crate::sys::types::{Link, Stat, Target};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_READ_ATTRIBUTES, MAXIMUM_REPARSE_DATA_BUFFER_SIZE, READ_CONTROL,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::FSCTL_GET_REPARSE_POINT;

pub(super) fn open_itself(dir: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    open_at(dir, name, PATH_ONLY_FLAG | OFlag::O_NOFOLLOW)
}

/// Opens a name itself. Returns its stat, and a handle to read its ACL from where that is allowed.
pub(crate) fn open_path_only(
    dir: BorrowedFd<'_>,
    name: &[u8],
    _: bool,
) -> Result<(Option<OwnedFd>, Stat), Os> {
    let object = open_itself(dir, name)?;
    let stat = fstat(object.as_fd())?;
    let readable = reopen(object.as_fd(), FILE_READ_ATTRIBUTES | READ_CONTROL).ok();
    Ok((readable.filter(|_| !stat.is_symlink()), stat))
}

/// Returns the stat of a name and, for a symlink, its target. Both belong to one and the same
/// object.
pub(crate) fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Link, Os> {
    let object = open_itself(dir, name)?;
    let stat = fstat(object.as_fd())?;
    let target = if stat.is_symlink() {
        let data = reparse_data(object.as_fd())?;
        Some(path::link_target(&data).map_or(Target::Magic, Target::Path))
    } else {
        None
    };
    Ok(Link {
        stat,
        target,
        directory: None,
    })
}

/// Returns the target of a symlink. EINVAL for anything else, and for a junction to a volume.
pub(crate) fn read_link_text(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>, Os> {
    match read_link(dir, name)?.target {
        Some(Target::Path(target)) => Ok(target),
        _ => Err(Os {
            errno: EINVAL,
            syscall: "readlink",
        }),
    }
}

fn reparse_data(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let mut data = vec![0_u8; MAXIMUM_REPARSE_DATA_BUFFER_SIZE as usize];
    let mut length = 0;
    // SAFETY: the handle is borrowed and open for synchronous use; the buffer is ours and has the
    // given size.
    let result = unsafe {
        DeviceIoControl(
            raw(fd),
            FSCTL_GET_REPARSE_POINT,
            std::ptr::null(),
            0,
            data.as_mut_ptr().cast(),
            MAXIMUM_REPARSE_DATA_BUFFER_SIZE,
            &raw mut length,
            std::ptr::null_mut(),
        )
    };
    if result == 0 {
        return Err(last("readlink"));
    }
    data.truncate(length as usize);
    Ok(data)
}

/// Returns false: there is no `fs.protected_symlinks`.
pub(crate) fn protects_symlinks() -> bool {
    false
}

/// Returns the stat of a name itself. Does not follow symlinks.
pub(crate) fn fstatat(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    let named = |os| Os {
        syscall: "lstat",
        ..os
    };
    fstat(open_itself(dir, name).map_err(named)?.as_fd()).map_err(named)
}

/// Returns the stat of an absolute path. Does not follow a final symlink.
pub(crate) fn lstat_absolute(path: &[u8]) -> Result<Stat, Os> {
    let named = |os| Os {
        syscall: "lstat",
        ..os
    };
    let flags = PATH_ONLY_FLAG | OFlag::O_NOFOLLOW;
    fstat(open_absolute(path, flags).map_err(named)?.as_fd()).map_err(named)
}

/// Returns the stat of a name, without a mount id: mounts have no unique id.
pub(crate) fn statx_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    fstatat(dir, name)
}
