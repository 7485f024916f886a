//! Options and results of a copy.

use crate::error::{Code, Error, Os};
use crate::metadata::{self, Acl};
use crate::ops::read;
use crate::ops::write::{self, Durable, FinalSymlink};
use crate::path;
use crate::sys::{self, BorrowedFd, Stat};

/// How a file or a tree is copied.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether existing files may be replaced. Directories are merged then.
    pub overwrite: bool,
    /// Copies a directory with everything in it.
    pub recursive: bool,
    /// Permission bits of the copied files; `None` for those of their sources.
    pub mode: Option<u32>,
    /// Most bytes of all files together.
    pub max_bytes: Option<u64>,
    /// Refuses a tree with more entries, itself included, before anything is copied.
    pub max_entries: Option<u64>,
    /// What is synced.
    pub durable: Durable,
    /// Refuses a source that has other hard links.
    pub reject_hardlinks: bool,
    /// How a symlink under the name of a copied file is treated.
    pub final_symlink: FinalSymlink,
}

/// A copied file or tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The real path of the copy; `None` when it equals the path as given.
    pub real: Option<Vec<u8>>,
    /// Entries, directories included.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// What was synced: at most what was requested.
    pub durable: Durable,
}

impl Rules {
    pub(super) fn for_read(&self) -> read::Rules {
        read::Rules {
            max_bytes: self.max_bytes.unwrap_or(u64::MAX),
            reject_hardlinks: self.reject_hardlinks,
            allow_pseudo: false,
            outbound: read::Outbound::No,
        }
    }

    /// Returns how the copy of an open file is written.
    ///
    /// # Errors
    ///
    /// An I/O error of reading its ACL.
    pub(super) fn for_write(
        &self,
        source: BorrowedFd<'_>,
        stat: &Stat,
        durable: Durable,
    ) -> Result<write::Rules, Os> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => copied_bits(stat, || sys::get_acl(source))?,
        };
        Ok(write::Rules {
            mode: Some(mode),
            new_file_mode: mode,
            overwrite: self.overwrite,
            final_symlink: self.final_symlink,
            durable,
            make_parents: None,
            reject_hardlinks: false,
            in_place: false,
        })
    }
}

/// Returns the permission bits of the copy of a file or a directory. Setuid, setgid and sticky are
/// dropped, and so is the ACL.
///
/// - The group bits of a source with an ACL are its mask: the copy gets what the owning group and
///   every named entry have. One that cannot be read leaves bits to the owner alone.
/// - In a sticky directory no user removes the files of others. Its copy may be written by its owner
///   alone.
pub(super) fn copied_bits(
    source: &Stat,
    read_acl: impl FnOnce() -> Result<Option<Vec<u8>>, Os>,
) -> Result<u32, Os> {
    const OTHERS_WRITE: u32 = 0o022;
    let mut bits = source.mode & 0o777;
    if source.is_directory() && source.is_sticky() {
        bits &= !OTHERS_WRITE;
    }
    if !sys::HAS_MODES || bits & metadata::SHARED_BITS == 0 {
        return Ok(bits);
    }
    let acl = Acl::read(read_acl())?;
    Ok(metadata::kept_bits(bits, acl.as_ref(), acl.is_none(), true) & bits)
}

/// Returns the real path of a name in a directory, for results.
pub(super) fn real_path(dir: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    Some(path::join(dir, name).into_owned())
}

/// The error for an object of another kind.
pub(super) fn not_file(stat: &Stat) -> Error {
    Error::refused(Code::NotFile, stat.kind_word())
}
