//! What every system tells of an object, and the same words for it.

/// Kind of object, in the bits that POSIX systems use and Node shows everywhere.
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

/// A point in time as the kernel gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanoseconds: u32,
}

/// What a status call tells, in the widths that `fs.Stats` shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Device number.
    pub dev: u64,
    /// Kind and permission bits.
    pub mode: u32,
    /// Number of names.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// Preferred size of a read or write, in bytes.
    pub blksize: u64,
    /// Inode number.
    pub ino: u64,
    /// Bytes of content.
    pub size: u64,
    /// Blocks of 512 bytes that it occupies.
    pub blocks: u64,
    /// Time of the last access.
    pub accessed: Time,
    /// Time of the last change of the content.
    pub modified: Time,
    /// Time of the last change of the inode.
    pub changed: Time,
    /// Time of birth.
    pub born: Time,
    /// Which mount it was reached by, where the system gives mounts numbers it never gives again.
    pub mount: Option<u64>,
}

impl Stat {
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// The `S_IFMT` bits.
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

    /// Whether only owners may remove names from this directory.
    pub(crate) fn is_sticky(&self) -> bool {
        self.mode & S_ISVTX != 0
    }

    /// Whether what is made in this directory gets its group.
    pub(crate) fn hands_group_on(&self) -> bool {
        self.mode & S_ISGID != 0
    }

    pub(crate) fn is_device(&self) -> bool {
        matches!(self.kind(), S_IFCHR | S_IFBLK)
    }

    /// Whether its file system lies on no block device of its own (device major 0).
    pub(crate) fn has_no_device(&self) -> bool {
        /// Where Linux keeps the major number.
        const MAJOR: u64 = 0xffff_f000_000f_ff00;
        self.dev & MAJOR == 0
    }

    /// Whether both are of one file: device and inode.
    pub(crate) fn is_same_object(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// One word for the kind of object, for messages.
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

/// What has a name, and where it leads if it is a link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stat: Stat,
    /// Nothing for what is no link.
    pub(crate) target: Option<Target>,
}

/// Where a link leads.
#[derive(Debug)]
pub(crate) enum Target {
    /// To this path.
    Path(Vec<u8>),
    /// Nowhere: it lies on a mount that follows no links (`nosymfollow`).
    NoFollow,
    /// Elsewhere than any text says: a link of procfs to an open file, and its like.
    Magic,
}

/// Which file system an object lies on, as far as that is known.
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
    /// Whether two may be the same.
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

/// Where the content of a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// In memory.
    Memory,
    /// On a disk of this machine; in memory too, once it was used.
    LocalDisk,
    /// On another machine or behind another process, or unknown: a call may wait for any time.
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
