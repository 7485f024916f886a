//! Calls of the doctor: access, attributes, volume and capabilities of a descriptor.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use super::errno::knows_call;
use super::file_system::mount_flags;
use super::procfs;
use crate::error::Os;
use crate::sys::unix::named;
use nix::errno::Errno;
use nix::libc;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// Permissions of access(2).
pub(crate) const MAY_READ: i32 = libc::R_OK;

pub(crate) const MAY_WRITE: i32 = libc::W_OK;

pub(crate) const MAY_SEARCH: i32 = libc::X_OK;

/// Same number on every architecture; kernel 5.8 and newer.
const SYS_FACCESSAT2: libc::c_long = 439;

/// Checks the permissions of the effective ids for an object. Fails with the errno of access(2).
///
/// The kernel decides, from modes, ACLs, capabilities, read-only mounts, immutable files and
/// security modules. Before 5.8, or under a filter that does not know the call, the check uses the
/// real ids. They are the same in every process that is not setuid.
pub(crate) fn access(fd: BorrowedFd<'_>, permissions: i32) -> Result<(), Os> {
    if faccessat2_works() {
        let flags = libc::AT_EACCESS | libc::AT_EMPTY_PATH;
        // SAFETY: the descriptor is borrowed and open, and the path is a static C string.
        let result = unsafe {
            libc::syscall(
                SYS_FACCESSAT2,
                fd.as_raw_fd(),
                c"".as_ptr(),
                permissions,
                flags,
            )
        };
        return named("access", Errno::result(result).map(drop));
    }
    let (descriptors, name) = procfs::way_to(fd)?;
    // SAFETY: the descriptor is open for the life of the process, and the path is a C string that
    // lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_faccessat,
            descriptors.as_raw_fd(),
            name.as_ptr(),
            permissions,
        )
    };
    named("access", Errno::result(result).map(drop))
}

/// Returns whether `faccessat2` exists. Probed once, with an invalid descriptor.
fn faccessat2_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        knows_call(|| {
            // SAFETY: the descriptor is invalid on purpose and the path is a static C string; the
            // call reads the string and changes nothing.
            unsafe { libc::syscall(SYS_FACCESSAT2, -1, c"".as_ptr(), 0, libc::AT_EMPTY_PATH) }
        })
    })
}

/// Attributes that a mode does not show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The file cannot be changed (`chattr +i`).
    pub is_immutable: bool,
    /// Content can only be appended (`chattr +a`).
    pub is_append_only: bool,
    /// A mount point of a whole file system or of a single file.
    pub is_mount_point: bool,
}

/// Returns the attributes of a descriptor's object. All are false where `statx` fails;
/// `is_mount_point` is false before 5.8.
pub(crate) fn attributes(fd: BorrowedFd<'_>) -> Attributes {
    let mut raw = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the descriptor is borrowed and open, the path is a static C string, and `raw` is
    // exclusive memory of the size the kernel writes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_statx,
            fd.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            libc::STATX_TYPE,
            raw.as_mut_ptr(),
        )
    };
    if result == -1 {
        return Attributes::default();
    }
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    let has = |bit: libc::c_int| raw.stx_attributes & u64::from(bit.unsigned_abs()) != 0;
    Attributes {
        is_immutable: has(libc::STATX_ATTR_IMMUTABLE),
        is_append_only: has(libc::STATX_ATTR_APPEND),
        is_mount_point: has(libc::STATX_ATTR_MOUNT_ROOT),
    }
}

/// A file system as `fstatfs(2)` returns it, through the mount of the descriptor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    /// The magic number of statfs(2).
    pub kind: u32,
    /// Block size in bytes.
    pub block_size: u64,
    /// Number of blocks.
    pub blocks: u64,
    /// Number of free blocks.
    pub free_blocks: u64,
    /// Free blocks that are not reserved for root.
    pub available_blocks: u64,
    /// Number of inodes; zero where the file system has no fixed number.
    pub inodes: u64,
    /// Number of free inodes.
    pub free_inodes: u64,
    /// The file system or the mount is read-only.
    pub is_read_only: bool,
}

/// Returns the file system of a descriptor. May block.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "widths and signs of struct statfs differ between architectures and C libraries"
)]
pub(crate) fn volume(fd: BorrowedFd<'_>) -> Result<Volume, Os> {
    /// `ST_RDONLY` of fstatvfs(3).
    const READ_ONLY: u64 = 1;
    let mut raw = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is borrowed and open, and `raw` is exclusive memory of the size the
    // call writes.
    let result = unsafe { libc::fstatfs(fd.as_raw_fd(), raw.as_mut_ptr()) };
    named("statfs", Errno::result(result).map(drop))?;
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    Ok(Volume {
        kind: raw.f_type as u32,
        block_size: raw.f_bsize as u64,
        blocks: raw.f_blocks as u64,
        free_blocks: raw.f_bfree as u64,
        available_blocks: raw.f_bavail as u64,
        inodes: raw.f_files as u64,
        free_inodes: raw.f_ffree as u64,
        is_read_only: mount_flags(fd)? & READ_ONLY != 0,
    })
}

/// Numbers of capabilities(7).
pub(crate) const CAP_CHOWN: u32 = 0;

pub(crate) const CAP_FOWNER: u32 = 3;

pub(crate) const CAP_FSETID: u32 = 4;

/// Returns whether this thread has an effective capability. The caller checks whether it applies to
/// the object, which depends on the user namespace.
pub(crate) fn has_capability(number: u32) -> bool {
    /// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h: two words of 32 bits per set.
    const VERSION: u32 = 0x2008_0522;
    #[repr(C)]
    struct Header {
        version: u32,
        process: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let mut header = Header {
        version: VERSION,
        process: 0,
    };
    let mut sets = [Sets::default(); 2];
    // SAFETY: both pointers refer to exclusive memory with the layout of capget(2); for version 3
    // the call writes two sets.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    let word = sets.get(number as usize / 32);
    result == 0 && word.is_some_and(|word| word.effective & (1 << (number % 32)) != 0)
}

/// Returns the id of a descriptor's mount in `/proc/self/mountinfo`.
pub(crate) fn mount_number(fd: BorrowedFd<'_>) -> Option<u32> {
    let entry = format!("fdinfo/{}", fd.as_raw_fd());
    let text = procfs::read_entry(entry.as_bytes()).ok()?;
    String::from_utf8_lossy(&text)
        .lines()
        .find_map(|line| line.strip_prefix("mnt_id:"))?
        .trim()
        .parse()
        .ok()
}

/// Returns whether a file is a mount point, for a kernel that does not tell its mount. False before
/// 5.8.
pub(crate) fn may_be_mount_point(file: BorrowedFd<'_>) -> bool {
    attributes(file).is_mount_point
}
