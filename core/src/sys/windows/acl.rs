//! Discretionary ACLs and owners of directories and files.

use super::errno::{last, of_status};
use super::fd::{AsFd, BorrowedFd, raw};
use super::open::reopen;
use crate::error::Os;
use crate::sys::security_descriptor::SecurityDescriptor;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::sync::OnceLock;
use windows_sys::Wdk::Storage::FileSystem::{NtQuerySecurityObject, NtSetSecurityObject};
use windows_sys::Win32::Foundation::{
    STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_NOT_IMPLEMENTED,
    STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    SECURITY_DESCRIPTOR_RELATIVE, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_READ_ATTRIBUTES, READ_CONTROL};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Returns the ACL of an object opened only for inspection. The handle works as in [`get_acl`].
pub(crate) fn get_acl_of_path_fd(
    fd: BorrowedFd<'_>,
    _: Option<(BorrowedFd<'_>, &[u8])>,
) -> Result<Option<Vec<u8>>, Os> {
    get_acl(fd)
}

/// Returns owner and ACL of an object whose handle may read them; `None` where the file system has
/// none.
pub(crate) fn get_acl(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut buf = Aligned::zeroed(1024);
    loop {
        let mut needed = 0;
        // SAFETY: the handle is borrowed and open; the buffer is ours, and has the given size and
        // the alignment of a security descriptor. The kernel writes the self-relative form, which
        // is read as bytes.
        let status = unsafe {
            NtQuerySecurityObject(
                raw(fd),
                wanted,
                buf.0.as_mut_ptr().cast(),
                u32::try_from(buf.size()).unwrap_or(u32::MAX),
                &raw mut needed,
            )
        };
        match status {
            STATUS_SUCCESS => return Ok(Some(SecurityDescriptor::trimmed(buf.to_bytes()))),
            STATUS_BUFFER_TOO_SMALL if needed as usize > buf.size() => {
                buf = Aligned::zeroed(needed as usize);
            }
            STATUS_INVALID_DEVICE_REQUEST | STATUS_NOT_IMPLEMENTED | STATUS_NOT_SUPPORTED => {
                return Ok(None);
            }
            status => return Err(of_status("fgetsecurity", status)),
        }
    }
}

/// A buffer for a security descriptor, which contains numbers of 16 and 32 bits: the kernel refuses
/// one that is not aligned for them (`STATUS_DATATYPE_MISALIGNMENT`).
struct Aligned(Vec<u64>);

const _: () = assert!(align_of::<u64>() >= align_of::<SECURITY_DESCRIPTOR_RELATIVE>());

impl Aligned {
    /// Allocates at least `size` bytes.
    fn zeroed(size: usize) -> Self {
        Self(vec![0; size.div_ceil(size_of::<u64>())])
    }

    fn copy_of(bytes: &[u8]) -> Self {
        let words = bytes.chunks(size_of::<u64>()).map(|chunk| {
            let mut word = [0; size_of::<u64>()];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        Self(words.collect())
    }

    /// Returns the size in bytes.
    fn size(&self) -> usize {
        self.0.len() * size_of::<u64>()
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

/// Sets the ACL of an open file to that of another, from [`get_acl`], unless the two are equal.
pub(crate) fn set_acl(fd: BorrowedFd<'_>, stored: &[u8]) -> Result<(), Os> {
    if let Some(own) = get_acl(fd)?
        && SecurityDescriptor(&own).acl() == SecurityDescriptor(stored).acl()
    {
        return Ok(());
    }
    let descriptor = Aligned::copy_of(&SecurityDescriptor(stored).to_be_set());
    // SAFETY: the handle is borrowed and open. The system wrote the descriptor; only a flag was
    // added. `Aligned` gives it the alignment of its structure. It outlives the call, which only
    // reads it.
    let status = unsafe {
        NtSetSecurityObject(
            raw(fd),
            DACL_SECURITY_INFORMATION,
            descriptor.0.as_ptr().cast_mut().cast(),
        )
    };
    match status {
        STATUS_SUCCESS => Ok(()),
        status => Err(of_status("fsetsecurity", status)),
    }
}

/// Does nothing: an object that supports ACLs cannot be without one here.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call, which can fail"
)]
pub(crate) fn remove_acl(_: BorrowedFd<'_>) -> Result<(), Os> {
    Ok(())
}

/// Returns whether a file has the owner of another, by the other's [`get_acl`]. False where that is
/// unproved.
pub(crate) fn keeps_owner(fd: BorrowedFd<'_>, other: Option<&[u8]>) -> bool {
    let Some(SecurityDescriptor(other)) = other.map(SecurityDescriptor) else {
        return false;
    };
    let Ok(Some(own)) = get_acl(fd) else {
        return false;
    };
    let owner = SecurityDescriptor(&own).owner();
    owner.is_some() && owner == SecurityDescriptor(other).owner()
}

/// Returns whether a directory grants access to others than this user, administrators and the
/// system. True where that is unproved.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems report a failure themselves"
)]
pub(crate) fn acl_grants(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    let Ok(readable) = reopen(fd, FILE_READ_ATTRIBUTES | READ_CONTROL) else {
        return Ok(true);
    };
    let (Ok(Some(stored)), Some(user)) = (get_acl(readable.as_fd()), current_user()) else {
        return Ok(true);
    };
    Ok(!SecurityDescriptor(&stored).is_private_to(user))
}

/// Returns the SID of the user that this process runs as.
fn current_user() -> Option<&'static [u8]> {
    static USER: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(user) = USER.get() {
        return Some(user);
    }
    // A failure is not remembered: the next call tries again.
    let user = query_user().ok()?;
    Some(USER.get_or_init(|| user))
}

fn query_user() -> Result<Vec<u8>, Os> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the call takes no arguments, and returns a handle that needs no close.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle is that of this process, and the memory for the token is ours.
    let result = unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) };
    if result == 0 {
        return Err(last("token"));
    }
    // SAFETY: the call succeeded, so this is a new handle without another owner.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // The structure contains a pointer to the SID, which lies behind it in the same buffer.
    let mut buf = vec![0_u64; 32];
    let mut length = 0;
    // SAFETY: the handle is open; the buffer is ours and has the given size.
    let result = unsafe {
        GetTokenInformation(
            raw(token.as_fd()),
            TokenUser,
            buf.as_mut_ptr().cast(),
            (buf.len() * 8) as u32,
            &raw mut length,
        )
    };
    if result == 0 {
        return Err(last("token"));
    }
    let bytes: Vec<u8> = buf.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let start = size_of::<TOKEN_USER>();
    Ok(crate::sys::security_descriptor::sid_at(&bytes, start)
        .unwrap_or_default()
        .to_vec())
}
