//! Options and results of a copy.

use crate::error::{Code, Error};
use crate::ops::read;
use crate::ops::write::{self, Durable, FinalSymlink};
use crate::path;
use crate::sys::Stat;

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

    /// Returns how the copy of a file is written. Permission bits are kept; setuid, setgid and
    /// sticky are dropped.
    pub(super) fn for_write(&self, source: &Stat, durable: Durable) -> write::Rules {
        let mode = self.mode.unwrap_or(source.mode & 0o777);
        write::Rules {
            mode: Some(mode),
            new_file_mode: mode,
            overwrite: self.overwrite,
            final_symlink: self.final_symlink,
            durable,
            make_parents: None,
            reject_hardlinks: false,
            in_place: false,
        }
    }
}

/// Returns the real path of a name in a directory, for results.
pub(super) fn real_path(dir: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    Some(path::join(dir, name).into_owned())
}

/// The error for an object of another kind.
pub(super) fn not_file(stat: &Stat) -> Error {
    Error::refused(Code::NotFile, stat.kind_word())
}
