//! Extended ACLs of macOS (acl(3)): entries that allow or deny, in addition to the mode.
#![allow(unsafe_code, reason = "acl(3) has no wrapper")]

use crate::error::Os;
use crate::sys::unix::named;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_uint, c_void, ssize_t};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

// <sys/acl.h>
const ACL_TYPE_EXTENDED: c_uint = 0x100;

const ACL_FIRST_ENTRY: c_int = 0;

const ACL_NEXT_ENTRY: c_int = -1;

const ACL_EXTENDED_ALLOW: c_int = 1;

unsafe extern "C" {
    fn acl_get_fd_np(fd: c_int, kind: c_uint) -> *mut c_void;
    fn acl_set_fd_np(fd: c_int, acl: *mut c_void, kind: c_uint) -> c_int;
    fn acl_init(count: c_int) -> *mut c_void;
    fn acl_free(object: *mut c_void) -> c_int;
    fn acl_get_entry(acl: *mut c_void, which: c_int, entry: *mut *mut c_void) -> c_int;
    fn acl_get_tag_type(entry: *mut c_void, tag: *mut c_int) -> c_int;
    fn acl_size(acl: *mut c_void) -> ssize_t;
    fn acl_copy_ext_native(buf: *mut c_void, acl: *mut c_void, size: ssize_t) -> ssize_t;
    fn acl_copy_int_native(stored: *const c_void) -> *mut c_void;
}

/// An ACL in memory that acl(3) allocated.
struct List(NonNull<c_void>);

impl List {
    /// Takes ownership of what a call of acl(3) returned; null is its failure.
    fn taken(raw: *mut c_void, syscall: &'static str) -> Result<Self, Os> {
        NonNull::new(raw).map(Self).ok_or_else(|| Os {
            errno: Errno::last_raw(),
            syscall,
        })
    }

    /// Reads the ACL of an open object; `None` where there is none, or ACLs are not supported.
    fn of(fd: BorrowedFd<'_>) -> Result<Option<Self>, Os> {
        // SAFETY: the descriptor is borrowed and open; the call only reads.
        let raw = unsafe { acl_get_fd_np(fd.as_raw_fd(), ACL_TYPE_EXTENDED) };
        match Self::taken(raw, "acl_get_fd_np") {
            Ok(list) => Ok(Some(list)),
            Err(os) if matches!(os.errno, libc::ENOENT | libc::ENOTSUP | libc::ENOSYS) => Ok(None),
            Err(os) => Err(os),
        }
    }

    /// Returns the tags of its entries: whether each allows or denies.
    fn tags(&self) -> Vec<c_int> {
        let mut tags = Vec::new();
        let mut which = ACL_FIRST_ENTRY;
        loop {
            let mut entry = std::ptr::null_mut();
            // SAFETY: the list is alive, and the memory for the entry is ours. After the last entry
            // the call fails.
            if unsafe { acl_get_entry(self.0.as_ptr(), which, &raw mut entry) } != 0 {
                return tags;
            }
            let mut tag = 0;
            // SAFETY: the entry belongs to the list, which is alive; the memory for the tag is
            // ours.
            if unsafe { acl_get_tag_type(entry, &raw mut tag) } == 0 {
                tags.push(tag);
            }
            which = ACL_NEXT_ENTRY;
        }
    }

    /// Serialises the ACL for [`acl_copy_int_native`].
    fn stored(&self) -> Result<Vec<u8>, Os> {
        // SAFETY: the list is alive.
        let size = unsafe { acl_size(self.0.as_ptr()) };
        let mut buf = vec![0_u8; usize::try_from(size).unwrap_or_default()];
        // SAFETY: the list is alive, and the buffer has the given size.
        let count = unsafe { acl_copy_ext_native(buf.as_mut_ptr().cast(), self.0.as_ptr(), size) };
        let count = usize::try_from(count).map_err(|_| Os {
            errno: Errno::last_raw(),
            syscall: "acl_copy_ext",
        })?;
        buf.truncate(count);
        Ok(buf)
    }

    fn put(&self, fd: BorrowedFd<'_>) -> Result<(), Os> {
        // SAFETY: the descriptor is borrowed and open, and the list is alive.
        let result = unsafe { acl_set_fd_np(fd.as_raw_fd(), self.0.as_ptr(), ACL_TYPE_EXTENDED) };
        named("acl_set_fd_np", Errno::result(result).map(drop))
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: acl(3) allocated it, and no reference to it is left.
        let _ = unsafe { acl_free(self.0.as_ptr()) };
    }
}

/// Returns whether an ACL grants what the permission bits do not show. Entries that deny, which
/// every home directory has, grant nothing.
pub(crate) fn acl_grants(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(List::of(fd)?.is_some_and(|list| list.tags().contains(&ACL_EXTENDED_ALLOW)))
}

/// Returns the ACL of an open object, as acl(3) stores it; `None` where there is none with an
/// entry.
pub(crate) fn get_acl(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Os> {
    match List::of(fd)? {
        Some(list) if !list.tags().is_empty() => list.stored().map(Some),
        _ => Ok(None),
    }
}

/// Returns the ACL of an object opened only for inspection. Such an object is open all the same.
pub(crate) fn get_acl_of_path_fd(
    fd: BorrowedFd<'_>,
    _: Option<(BorrowedFd<'_>, &[u8])>,
) -> Result<Option<Vec<u8>>, Os> {
    get_acl(fd)
}

/// Sets the ACL of an open file, from [`get_acl`].
pub(crate) fn set_acl(fd: BorrowedFd<'_>, stored: &[u8]) -> Result<(), Os> {
    // SAFETY: the bytes are those that `get_acl` stored, which contain their own length.
    let raw = unsafe { acl_copy_int_native(stored.as_ptr().cast()) };
    List::taken(raw, "acl_copy_int")?.put(fd)
}

/// Returns whether a file has the owner of another file, where only an ACL shows the owner. Always
/// true here: the uid shows it.
pub(crate) fn keeps_owner(_: BorrowedFd<'_>, _: Option<&[u8]>) -> bool {
    true
}

/// Replaces the ACL of an open file by one without entries.
pub(crate) fn remove_acl(fd: BorrowedFd<'_>) -> Result<(), Os> {
    // SAFETY: the call takes a number and allocates.
    let raw = unsafe { acl_init(0) };
    List::taken(raw, "acl_init")?.put(fd)
}
