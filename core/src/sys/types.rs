//! Types for what every system reports about an object.

use super::OwnedFd;

/// Bits of the file type, as POSIX systems use them and Node shows them everywhere.
const S_IFMT: u32 = 0o170_000;
const S_IFSOCK: u32 = 0o140_000;
pub(crate) const S_IFLNK: u32 = 0o120_000;
pub(crate) const S_IFREG: u32 = 0o100_000;
const S_IFBLK: u32 = 0o060_000;
pub(crate) const S_IFDIR: u32 = 0o040_000;
pub(crate) const S_IFCHR: u32 = 0o020_000;
const S_IFIFO: u32 = 0o010_000;
const S_ISGID: u32 = 0o2000;
const S_ISVTX: u32 = 0o1000;

/// A point in time from the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanoseconds: u32,
}

/// A stat, in the widths of `fs.Stats`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Device number.
    pub dev: u64,
    /// File type and permission bits.
    pub mode: u32,
    /// Number of hard links.
    pub nlink: u64,
    /// User id of the owner.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// Preferred size of a read or write, in bytes.
    pub blksize: u64,
    /// Inode number.
    pub ino: u64,
    /// Size of the content in bytes.
    pub size: u64,
    /// Number of blocks of 512 bytes.
    pub blocks: u64,
    /// Time of the last access.
    pub accessed: Time,
    /// Time of the last change of the content.
    pub modified: Time,
    /// Time of the last change of the inode.
    pub changed: Time,
    /// Time of birth.
    pub born: Time,
    /// Unique id of the mount it was reached by, where the system never reuses ids.
    pub mount: Option<u64>,
}

impl Stat {
    /// Returns the permission bits, with setuid, setgid and sticky.
    pub(crate) fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// Returns the `S_IFMT` bits.
    pub(crate) fn kind(&self) -> u32 {
        self.mode & S_IFMT
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind() == S_IFREG
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind() == S_IFDIR
    }

    pub(crate) fn is_symlink(&self) -> bool {
        self.kind() == S_IFLNK
    }

    /// Returns whether only owners may remove names from this directory.
    pub(crate) fn is_sticky(&self) -> bool {
        self.mode & S_ISVTX != 0
    }

    /// Returns whether files created in this directory get its group.
    pub(crate) fn hands_group_on(&self) -> bool {
        self.mode & S_ISGID != 0
    }

    pub(crate) fn is_device(&self) -> bool {
        matches!(self.kind(), S_IFCHR | S_IFBLK)
    }

    /// Returns whether its file system has no block device of its own (device major 0).
    pub(crate) fn has_no_device(&self) -> bool {
        /// The bits of the major number on Linux.
        const MAJOR: u64 = 0xffff_f000_000f_ff00;
        self.dev & MAJOR == 0
    }

    /// Returns whether both stats are of one file, by device and inode.
    pub(crate) fn is_same_object(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// Returns one word for the file type, for messages.
    pub(crate) fn kind_word(&self) -> &'static str {
        match self.kind() {
            S_IFREG => "file",
            S_IFDIR => "directory",
            S_IFLNK => "symlink",
            S_IFIFO => "fifo",
            S_IFSOCK => "socket",
            S_IFCHR | S_IFBLK => "device",
            _ => "object",
        }
    }
}

/// One entry of a directory. Not `.` or `..`.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "not every verb needs every field")]
pub(crate) struct DirEntry<'a> {
    /// The name. It has no `/` and no NUL.
    pub(crate) name: &'a [u8],
    /// The `S_IFMT` bits; `None` where the file system does not tell (`DT_UNKNOWN`).
    pub(crate) kind: Option<u32>,
    /// The inode number. For a mount point it is that of the directory below the mount.
    pub(crate) ino: u64,
}

/// The stat of a name and, for a symlink, its target.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stat: Stat,
    /// `None` for anything but a symlink.
    pub(crate) target: Option<Target>,
    /// The directory of this stat, where the system opens a name and a directory to search alike.
    pub(crate) directory: Option<OwnedFd>,
}

/// The target of a symlink.
#[derive(Debug)]
pub(crate) enum Target {
    /// A path.
    Path(Vec<u8>),
    /// No target: the mount follows no symlinks (`nosymfollow`).
    NoFollow,
    /// A magic link: it leads elsewhere than its text, such as a link of procfs to an open file.
    Magic,
}

/// The file system of an object, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileSystem {
    /// Device number of the object.
    pub(crate) device: Option<u64>,
    /// Device number of the superblock.
    pub(crate) superblock: Option<u64>,
    /// Magic number of its kind.
    pub(crate) kind: Option<u32>,
}

impl FileSystem {
    /// Returns whether the two may be the same file system.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        if self.device.is_none() || other.device.is_none() || self.device == other.device {
            return true;
        }
        match (self.superblock, other.superblock) {
            (Some(one), Some(other)) => one == other,
            // Device numbers may be those of subvolumes.
            _ => self.kind.is_none() || other.kind.is_none() || self.kind == other.kind,
        }
    }
}

/// Where the content of a file system is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// In memory.
    Memory,
    /// On a disk of this machine; cached in memory after the first use.
    LocalDisk,
    /// On another machine, behind another process, or unknown: a call may block for any time.
    Remote,
}

/// A kind of ids, for the maps of a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    Users,
    Groups,
}

#[cfg(test)]
mod tests {
    use super::FileSystem;

    #[test]
    fn file_systems_are_different_only_where_that_is_certain() {
        let of = |device, superblock, kind| FileSystem {
            device,
            superblock,
            kind,
        };
        for (one, other, expected) in [
            (
                of(Some(1), Some(1), Some(9)),
                of(Some(1), Some(1), Some(9)),
                true,
            ),
            (
                of(Some(1), Some(1), Some(9)),
                of(Some(2), Some(2), Some(9)),
                false,
            ),
            // Subvolumes.
            (
                of(Some(1), Some(7), Some(9)),
                of(Some(2), Some(7), Some(9)),
                true,
            ),
            (
                of(Some(1), None, Some(9)),
                of(Some(2), Some(7), Some(9)),
                true,
            ),
            (
                of(Some(1), None, Some(9)),
                of(Some(2), None, Some(8)),
                false,
            ),
            (of(Some(1), None, None), of(Some(2), None, Some(8)), true),
            (FileSystem::default(), of(Some(2), Some(2), Some(8)), true),
        ] {
            assert_eq!(one.may_be(&other), expected, "{one:?}, {other:?}");
            assert_eq!(other.may_be(&one), expected, "{other:?}, {one:?}");
        }
    }
}
