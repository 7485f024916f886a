//! What is done with the names in a directory that is held open.

use super::errno::{DENIED, last, of_status};
use super::{AsFd, BorrowedFd, LOOKING, OFlag, OwnedFd, Request, file, open_at, raw, reopen, wide};
use crate::error::Os;
use crate::path;
use crate::sys::stat::{Link, Stat, Target};
use std::ffi::c_void;
use std::mem::offset_of;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DIRECTORY_FILE, FILE_DISPOSITION_DELETE,
    FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE, FILE_DISPOSITION_POSIX_SEMANTICS,
    FILE_INFORMATION_CLASS, FILE_NON_DIRECTORY_FILE, FILE_OPEN_REPARSE_POINT,
    FILE_RENAME_IGNORE_READONLY_ATTRIBUTE, FILE_RENAME_POSIX_SEMANTICS,
    FILE_RENAME_REPLACE_IF_EXISTS, FileDispositionInformation, FileDispositionInformationEx,
    FileLinkInformation, FileRenameInformation, FileRenameInformationEx, NtSetInformationFile,
};
use windows_sys::Win32::Foundation::{
    ERROR_NO_MORE_FILES, GetLastError, HANDLE, NTSTATUS, STATUS_ACCESS_DENIED,
    STATUS_DELETE_PENDING, STATUS_FILE_LOCK_CONFLICT, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_INFO_CLASS, STATUS_INVALID_PARAMETER, STATUS_NOT_IMPLEMENTED,
    STATUS_NOT_SUPPORTED, STATUS_SHARING_VIOLATION, STATUS_SUCCESS, STATUS_USER_MAPPED_FILE,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_ID_BOTH_DIR_INFO, FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
    GetFileInformationByHandleEx, MAXIMUM_REPARSE_DATA_BUFFER_SIZE, READ_CONTROL, WRITE_DAC,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, IO_STATUS_BLOCK};
use windows_sys::Win32::System::Ioctl::FSCTL_GET_REPARSE_POINT;

/// Creates a new file for reading and writing; it fails where anything has the name. It has no mode but to be
/// read-only, which is settled later; its ACL is what the directory hands down.
pub(crate) fn create_at(dir: BorrowedFd<'_>, name: &[u8], _: u32) -> Result<OwnedFd, Os> {
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let with_acl = access | READ_CONTROL | WRITE_DAC;
    match create(dir, "open", name, with_acl, FILE_NON_DIRECTORY_FILE) {
        // Where ACLs may not be set, the file can be written all the same.
        Err(os) if os.errno == DENIED => create(dir, "open", name, access, FILE_NON_DIRECTORY_FILE),
        answer => answer,
    }
}

/// Makes a directory, with the ACL that its parent hands down.
pub(crate) fn make_dir_at(dir: BorrowedFd<'_>, name: &[u8], _: u32) -> Result<(), Os> {
    create(
        dir,
        "mkdir",
        name,
        FILE_READ_ATTRIBUTES,
        FILE_DIRECTORY_FILE,
    )
    .map(drop)
}

fn create(
    dir: BorrowedFd<'_>,
    syscall: &'static str,
    name: &[u8],
    access: u32,
    options: u32,
) -> Result<OwnedFd, Os> {
    let request = Request {
        disposition: FILE_CREATE,
        ..Request::open(access, options | FILE_OPEN_REPARSE_POINT)
    };
    request
        .send(Some(dir), &wide(syscall, name)?)
        .map_err(|status| of_status(syscall, status))
}

fn look_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    open_at(dir, name, LOOKING | OFlag::O_NOFOLLOW)
}

/// The status of a name itself, following nothing.
pub(crate) fn kind_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    let named = |os| Os {
        syscall: "lstat",
        ..os
    };
    file::status(look_at(dir, name).map_err(named)?.as_fd()).map_err(named)
}

/// The same: mounts have no number that stays theirs.
pub(crate) fn stat_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Os> {
    kind_at(dir, name)
}

/// What has a name, and a handle of it that its ACL can be read by, where that is allowed.
pub(crate) fn hold_at(
    dir: BorrowedFd<'_>,
    name: &[u8],
    _: bool,
) -> Result<(Option<OwnedFd>, Stat), Os> {
    let object = look_at(dir, name)?;
    let stat = file::status(object.as_fd())?;
    let readable = reopen(object.as_fd(), FILE_READ_ATTRIBUTES | READ_CONTROL).ok();
    Ok((readable.filter(|_| !stat.is_symlink()), stat))
}

/// What has a name, and where it leads if it is a link: both of one and the same object.
pub(crate) fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Link, Os> {
    let object = look_at(dir, name)?;
    let stat = file::status(object.as_fd())?;
    let target = if stat.is_symlink() {
        let data = reparse_data(object.as_fd())?;
        Some(path::link_target(&data).map_or(Target::Magic, Target::Path))
    } else {
        None
    };
    Ok(Link { stat, target })
}

fn reparse_data(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Os> {
    let mut data = vec![0_u8; MAXIMUM_REPARSE_DATA_BUFFER_SIZE as usize];
    let mut length = 0;
    // SAFETY: the handle is borrowed and open for synchronous use; the place is ours and has the
    // size that is given.
    let answer = unsafe {
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
    if answer == 0 {
        return Err(last("readlink"));
    }
    data.truncate(length as usize);
    Ok(data)
}

/// `FILE_RENAME_INFORMATION` and `FILE_LINK_INFORMATION`, with room for every name.
#[repr(C)]
struct NewName {
    /// Bits, or for the older classes a Boolean that says whether to replace.
    flags: u32,
    root: HANDLE,
    length: u32,
    name: [u16; 256],
}

impl NewName {
    fn new(dir: BorrowedFd<'_>, flags: u32, name: &[u16]) -> Self {
        let mut place = [0; 256];
        // `wide` lets no longer name through.
        let length = name.len().min(255);
        place[..length].copy_from_slice(&name[..length]);
        Self {
            flags,
            root: raw(dir),
            length: (length * 2) as u32,
            name: place,
        }
    }
}

fn set<T>(fd: BorrowedFd<'_>, class: FILE_INFORMATION_CLASS, value: &T) -> NTSTATUS {
    let mut block = IO_STATUS_BLOCK::default();
    let place: *const T = value;
    // SAFETY: the handle is borrowed and open. The structure is the one that the class demands,
    // as all callers in this file see to; it outlives the call, and its own size is given.
    unsafe {
        NtSetInformationFile(
            raw(fd),
            &raw mut block,
            place.cast::<c_void>(),
            size_of::<T>() as u32,
            class,
        )
    }
}

/// Whether the file system, or this version of the system, does not know what it was asked.
fn is_unknown(status: NTSTATUS) -> bool {
    matches!(
        status,
        STATUS_INVALID_INFO_CLASS
            | STATUS_INVALID_PARAMETER
            | STATUS_INVALID_DEVICE_REQUEST
            | STATUS_NOT_IMPLEMENTED
            | STATUS_NOT_SUPPORTED
    )
}

/// Renames within one directory, over whatever has the new name: at once for everybody, also for
/// those who have the old file open.
pub(crate) fn rename_at(dir: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<(), Os> {
    let to = wide("rename", to)?;
    let flags = FILE_RENAME_REPLACE_IF_EXISTS
        | FILE_RENAME_POSIX_SEMANTICS
        | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
    patiently(|| {
        let file = open_to_move(dir, "rename", from)?;
        let new = NewName::new(dir, flags, &to);
        let status = set(file.as_fd(), FileRenameInformationEx, &new);
        if !is_unknown(status) {
            return Ok(status);
        }
        let new = NewName::new(dir, 1, &to);
        Ok(set(file.as_fd(), FileRenameInformation, &new))
    })
}

/// The same, if nothing has the new name; of several who try, one succeeds.
pub(crate) fn rename_new(dir: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<(), Os> {
    let to = wide("rename", to)?;
    patiently(|| {
        let file = open_to_move(dir, "rename", from)?;
        let new = NewName::new(dir, 0, &to);
        Ok(set(file.as_fd(), FileRenameInformation, &new))
    })
}

/// A second name, if nothing has it.
pub(crate) fn link_at(dir: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<(), Os> {
    let to = wide("link", to)?;
    let file = look_at(dir, from)?;
    let new = NewName::new(dir, 0, &to);
    match set(file.as_fd(), FileLinkInformation, &new) {
        STATUS_SUCCESS => Ok(()),
        status => Err(of_status("link", status)),
    }
}

/// Removes a name that is no directory.
pub(crate) fn unlink_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<(), Os> {
    let flags = FILE_DISPOSITION_DELETE
        | FILE_DISPOSITION_POSIX_SEMANTICS
        | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
    let file = open_to_move(dir, "unlink", name)?;
    let status = match set(file.as_fd(), FileDispositionInformationEx, &flags) {
        status if is_unknown(status) => {
            // The older class does not remove what is read-only.
            file::change_mode(file.as_fd(), 0o600)?;
            set(file.as_fd(), FileDispositionInformation, &1_u8)
        }
        status => status,
    };
    match status {
        STATUS_SUCCESS => Ok(()),
        status => Err(of_status("unlink", status)),
    }
}

fn open_to_move(dir: BorrowedFd<'_>, syscall: &'static str, name: &[u8]) -> Result<OwnedFd, Os> {
    let options = FILE_OPEN_REPARSE_POINT | FILE_NON_DIRECTORY_FILE;
    Request::open(DELETE | FILE_READ_ATTRIBUTES, options)
        .send(Some(dir), &wide(syscall, name)?)
        .map_err(|status| of_status(syscall, status))
}

/// Repeats a rename that others are in the way of, for half a second or a little more: whoever
/// reads the old file and does not share it, a virus scanner, an indexer. What is denied for good
/// looks the same.
fn patiently(mut rename: impl FnMut() -> Result<NTSTATUS, Os>) -> Result<(), Os> {
    const TRIES: u32 = 12;
    const LONGEST: Duration = Duration::from_millis(64);
    let mut pause = Duration::from_millis(1);
    for attempt in 1.. {
        let status = rename()?;
        let is_in_use = matches!(
            status,
            STATUS_SHARING_VIOLATION
                | STATUS_ACCESS_DENIED
                | STATUS_FILE_LOCK_CONFLICT
                | STATUS_DELETE_PENDING
                | STATUS_USER_MAPPED_FILE
        );
        if status == STATUS_SUCCESS {
            return Ok(());
        }
        if !is_in_use || attempt == TRIES {
            return Err(of_status("rename", status));
        }
        std::thread::sleep(jittered(pause));
        pause = (pause * 2).min(LONGEST);
    }
    Ok(())
}

/// Half of a pause to one and a half, differently each time, so as not to fall into step.
fn jittered(pause: Duration) -> Duration {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos() / 100);
    pause.mul_f64(0.5 + f64::from(clock % 1000) / 1000.0)
}

/// The names in a directory, but for `.` and `..`, read through a handle of its own.
pub(crate) fn list(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Os> {
    const SIZE: usize = 64 * 1024;
    let readable =
        reopen(dir, FILE_LIST_DIRECTORY).map_err(|status| of_status("scandir", status))?;
    // Entries begin at multiples of eight.
    let mut place = vec![0_u64; SIZE / 8];
    let mut names = Vec::new();
    let mut class = FileIdBothDirectoryRestartInfo;
    loop {
        // SAFETY: the handle is open for synchronous use; the place is ours and has the size that
        // is given.
        let answer = unsafe {
            GetFileInformationByHandleEx(
                raw(readable.as_fd()),
                class,
                place.as_mut_ptr().cast::<c_void>(),
                SIZE as u32,
            )
        };
        // SAFETY: the call takes nothing and answers a number.
        if answer == 0 && unsafe { GetLastError() } == ERROR_NO_MORE_FILES {
            return Ok(names);
        }
        if answer == 0 {
            return Err(last("scandir"));
        }
        let bytes: Vec<u8> = place.iter().flat_map(|word| word.to_ne_bytes()).collect();
        collect_names(&bytes, &mut names);
        class = FileIdBothDirectoryInfo;
    }
}

/// Takes the names out of a block of `FILE_ID_BOTH_DIR_INFO`. One that is not Unicode is none that
/// this package could have given or could be asked for.
fn collect_names(block: &[u8], names: &mut Vec<Vec<u8>>) {
    let number = |at: usize| {
        let bytes = block.get(at..at + 4)?;
        Some(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    };
    let mut entry = 0;
    loop {
        let length = number(entry + offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength));
        let start = entry + offset_of!(FILE_ID_BOTH_DIR_INFO, FileName);
        let text = length.and_then(|length| block.get(start..start + length));
        let wide: Vec<u16> = text
            .unwrap_or_default()
            .chunks_exact(2)
            .map(|unit| u16::from_ne_bytes([unit[0], unit[1]]))
            .collect();
        match String::from_utf16(&wide) {
            Ok(name) if !matches!(name.as_str(), "" | "." | "..") => names.push(name.into_bytes()),
            _ => {}
        }
        match number(entry) {
            None | Some(0) => return,
            Some(next) => entry += next,
        }
    }
}

/// Whether a directory has no entries.
pub(crate) fn is_empty_directory(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(list(dir)?.is_empty())
}
