//! Identifies an object's file system by its superblock. The device number of a file is not enough,
//! since each btrfs subvolume has its own.
#![allow(unsafe_code, reason = "statmount(2) has no safe wrapper")]

use super::file_system::file_system;
use super::inspect::mount_number;
use super::procfs::read_entry;
use super::stat::statx;
use crate::sys::types::{FileSystem, Stat};
use nix::errno::Errno;
use nix::libc;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

/// Returns the file system of a descriptor. Without a superblock, the other fields identify it.
pub(crate) fn file_system_of(fd: BorrowedFd<'_>) -> FileSystem {
    let Ok(stat) = statx(fd) else {
        return FileSystem::default();
    };
    FileSystem {
        device: Some(stat.dev),
        superblock: superblock(fd, &stat),
        kind: file_system(fd).ok(),
    }
}

/// Returns the device number of the superblock.
fn superblock(fd: BorrowedFd<'_>, stat: &Stat) -> Option<u64> {
    if !stat.has_no_device() {
        // On a block device it is the device number of every file.
        return Some(stat.dev);
    }
    stat.mount
        .and_then(by_mount)
        .or_else(|| by_mountinfo(mount_number(fd)?))
}

/// Same number on every architecture; kernel 6.8 and newer.
const SYS_STATMOUNT: libc::c_long = 457;

/// `struct mnt_id_req` of linux/mount.h, in its first version.
#[repr(C)]
struct Request {
    size: u32,
    spare: u32,
    mount: u64,
    wanted: u64,
}

/// The beginning of `struct statmount` of linux/mount.h.
#[repr(C)]
struct Answer {
    size: u32,
    options: u32,
    mask: u64,
    major: u32,
    minor: u32,
    rest: [u64; 61],
}

/// Looks up the device by the unique mount id.
fn by_mount(mount: u64) -> Option<u64> {
    const STATMOUNT_SB_BASIC: u64 = 1;
    let request = Request {
        size: size_of::<Request>() as u32,
        spare: 0,
        mount,
        wanted: STATMOUNT_SB_BASIC,
    };
    let mut result = MaybeUninit::<Answer>::zeroed();
    // SAFETY: the request has the layout that its size stands for. The result is exclusive memory
    // of the given size, which the kernel does not exceed.
    let status = unsafe {
        libc::syscall(
            SYS_STATMOUNT,
            &raw const request,
            result.as_mut_ptr(),
            size_of::<Answer>(),
            0,
        )
    };
    Errno::result(status).ok()?;
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let result = unsafe { result.assume_init() };
    (result.mask & STATMOUNT_SB_BASIC != 0).then(|| libc::makedev(result.major, result.minor))
}

/// Looks up the device by the mount id of `/proc/self/mountinfo` (proc(5)): the third field is the
/// device.
fn by_mountinfo(mount: u32) -> Option<u64> {
    let table = read_entry(b"mountinfo").ok()?;
    let number = mount.to_string();
    String::from_utf8_lossy(&table).lines().find_map(|line| {
        let mut fields = line.split(' ');
        (fields.next() == Some(&number)).then_some(())?;
        let (major, minor) = fields.nth(1)?.split_once(':')?;
        Some(libc::makedev(major.parse().ok()?, minor.parse().ok()?))
    })
}
