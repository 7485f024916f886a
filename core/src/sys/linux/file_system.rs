//! Kinds of file systems, by their magic numbers.
#![allow(unsafe_code, reason = "the safe wrapper hides the number")]

use crate::error::Os;
use crate::sys::Stat;
use crate::sys::types::Locality;
use crate::sys::unix::{named, open_at};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, readlinkat};
use nix::libc;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

/// The magic number of procfs.
const PROC_SUPER_MAGIC: u32 = 0x0000_9fa0;

/// Returns whether the descriptor lies on a file system that shows kernel state instead of files.
pub(crate) fn is_pseudo_file_system(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    /// Magic numbers from statfs(2) and linux/magic.h.
    const PSEUDO: [u32; 19] = [
        PROC_SUPER_MAGIC,
        0x6265_6572, // sysfs
        0x6462_6720, // debugfs
        0x7472_6163, // tracefs
        0x7363_6673, // securityfs
        0x0027_e0eb, // cgroup
        0x6367_7270, // cgroup2
        0xcafe_4a11, // bpf
        0x6265_6570, // configfs
        0x6165_676c, // pstore
        0xde5e_81e4, // efivarfs
        0x4249_4e4d, // binfmt_misc
        0xf97c_ff8c, // selinuxfs
        0x4341_5d53, // smackfs
        0x5a3c_69f0, // apparmorfs
        0x6e73_6673, // nsfs
        0x0765_5821, // resctrl
        0x6573_5543, // fusectl
        0x1980_0202, // mqueue
    ];
    Ok(PSEUDO.contains(&file_system(fd)?))
}

/// Returns whether the descriptor lies on procfs.
pub(crate) fn is_procfs(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(file_system(fd)? == PROC_SUPER_MAGIC)
}

/// Returns whether the mount of the descriptor follows no symlinks (`nosymfollow`, Linux 5.10).
pub(crate) fn follows_no_links(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    /// `ST_NOSYMFOLLOW` of linux/statfs.h.
    const NO_SYMLINKS: u64 = 0x2000;
    Ok(mount_flags(fd)? & NO_SYMLINKS != 0)
}

/// Returns the flags of fstatvfs(3). Not every C library has them in `struct statfs`.
pub(super) fn mount_flags(fd: BorrowedFd<'_>) -> Result<u64, Os> {
    let mut raw = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the descriptor is borrowed and open, and `raw` is exclusive memory of the size the
    // call writes.
    let result = unsafe { libc::fstatvfs(fd.as_raw_fd(), raw.as_mut_ptr()) };
    named("statfs", Errno::result(result).map(drop))?;
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    #[allow(
        clippy::useless_conversion,
        reason = "the width of the flags differs between architectures"
    )]
    let flags = u64::from(raw.f_flag);
    Ok(flags)
}

/// Returns whether a directory may treat names as equal that differ in case or accents. True where
/// that cannot be determined.
pub(crate) fn folds_names(dir: BorrowedFd<'_>) -> bool {
    /// `FS_CASEFOLD_FL` of linux/fs.h.
    const CASEFOLD: libc::c_int = 0x4000_0000;
    match file_system(dir) {
        // xfs, btrfs: names are compared by bytes.
        Ok(0x5846_5342 | 0x9123_683e) => return false,
        // ext2, ext3, ext4; f2fs; tmpfs: a directory has a flag.
        Ok(0x0000_ef53 | 0xf2f5_2010 | 0x0102_1994) => {}
        _ => return true,
    }
    let mut flags: libc::c_int = 0;
    // The ioctl fails on `O_PATH` descriptors.
    let Ok(readable) = open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY) else {
        return true;
    };
    // SAFETY: the descriptor is open, and the call writes an `int` into memory of that type: it is
    // declared with a `long`, of which the kernel uses an `int` (ioctl_iflags(2)).
    let result = unsafe {
        libc::ioctl(
            readable.as_raw_fd(),
            libc::FS_IOC_GETFLAGS as _,
            &raw mut flags,
        )
    };
    match Errno::result(result) {
        Ok(_) => flags & CASEFOLD != 0,
        // tmpfs without such flags does not fold case.
        Err(errno) => errno != Errno::ENOTTY,
    }
}

/// Returns the locality of a descriptor's file system. May block.
pub(crate) fn locality(fd: BorrowedFd<'_>) -> Result<Locality, Os> {
    Ok(match file_system(fd)? {
        0x0102_1994 | 0x8584_58f6 => Locality::Memory, // tmpfs, ramfs
        0x0000_ef53 // ext2, ext3, ext4
        | 0x5846_5342 // xfs
        | 0x9123_683e // btrfs
        | 0xf2f5_2010 // f2fs
        | 0xca45_1a4e // bcachefs
            => Locality::LocalDisk,
        _ => Locality::Remote,
    })
}

/// Returns whether a directory's fsync also writes the link count of an unnamed file that was linked
/// in it. False where that is unknown.
///
/// ext4 writes it with the journal. Without one (and in the driver for ext2), the inode on the disk
/// stays one without links, which e2fsck(8) deletes.
pub(crate) fn syncs_links(fd: BorrowedFd<'_>, stat: &Stat) -> Result<bool, Os> {
    match file_system(fd)? {
        0x0000_ef53 => has_journal(stat.dev),
        _ => Ok(true),
    }
}

/// Returns whether an ext4 file system on a device has a journal, as sysfs shows it: `<none>`, or
/// the thread of the journal.
fn has_journal(dev: u64) -> Result<bool, Os> {
    const SYSFS_MAGIC: u32 = 0x6265_6572;
    let sysfs = open_at(AT_FDCWD, b"/sys", OFlag::O_PATH | OFlag::O_DIRECTORY)?;
    if file_system(sysfs.as_fd())? != SYSFS_MAGIC {
        return Ok(false);
    }
    let (major, minor) = (libc::major(dev), libc::minor(dev));
    let device = format!("dev/block/{major}:{minor}");
    let target = named("readlink", readlinkat(sysfs.as_fd(), device.as_str()))?;
    let name = target.as_bytes().rsplit(|byte| *byte == b'/').next();
    let path = [b"fs/ext4/", name.unwrap_or_default(), b"/journal_task"].concat();
    let file = open_at(sysfs.as_fd(), &path, OFlag::O_RDONLY)?;
    let mut buf = [0; 16];
    let len = named("read", nix::unistd::read(file.as_fd(), &mut buf))?;
    Ok(buf
        .get(..len)
        .is_some_and(|text| text.first().is_some_and(u8::is_ascii_digit)))
}

/// Returns whether other hosts may use the descriptor's file system too, or its locks may be those of
/// a program: network and cluster file systems, FUSE, and folders that a host shares with a guest.
pub(crate) fn may_be_shared(fd: BorrowedFd<'_>) -> Result<bool, Os> {
    /// Magic numbers from statfs(2) and linux/magic.h.
    const SHARED: [u32; 19] = [
        0x0000_6969, // NFS
        0x0000_517b, // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB2
        0x6573_5546, // FUSE, virtiofs
        0x0102_1997, // 9p
        0x00c3_6400, // Ceph
        0x5346_414f, // AFS
        0x6b41_4653, // kAFS
        0x7375_7245, // Coda
        0x0116_1970, // GFS2
        0x7461_636f, // OCFS2
        0x0bd0_0bd0, // Lustre
        0x4750_4653, // GPFS
        0x786f_4256, // vboxsf
        0xbacb_acbc, // vmhgfs
        0x7c7c_6673, // prlfs
        0x2003_0528, // OrangeFS
        0x0000_564c, // NCP
    ];
    Ok(SHARED.contains(&file_system(fd)?))
}

/// Returns the magic number of a descriptor's file system.
pub(super) fn file_system(fd: BorrowedFd<'_>) -> Result<u32, Os> {
    let mut raw = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is borrowed and open, and `raw` is exclusive memory of the size the
    // call writes.
    let result = unsafe { libc::fstatfs(fd.as_raw_fd(), raw.as_mut_ptr()) };
    named("statfs", Errno::result(result).map(drop))?;
    // SAFETY: the memory was zeroed, which is a valid value of every field, and then filled.
    let raw = unsafe { raw.assume_init() };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the type is a 32-bit magic number in a word whose width and sign vary"
    )]
    let kind = raw.f_type as u32;
    Ok(kind)
}
