//! Options of an append.

use crate::ops::lock::LockRules;

/// How records are appended.
#[derive(Debug, Clone, Copy)]
pub struct AppendRules<'a> {
    /// The lock that excludes other appends and updates.
    pub lock: LockRules<'a>,
    /// Permission bits of a new file.
    pub new_file_mode: u32,
    /// Syncs the file, and its directory when it is new.
    pub is_durable: bool,
    /// Refuses a file that has other hard links.
    pub reject_hardlinks: bool,
    /// Puts a line break behind a torn record; refuses one otherwise.
    pub isolates: bool,
    /// The most bytes that the file may have afterwards.
    pub max_bytes: Option<u64>,
}
