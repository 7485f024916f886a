//! Appends whole records to a file that several processes write.
//!
//! 1. The lock of the file, as of [`super::lock`].
//! 2. `fstatat` of the name, and the file that has it, open with `O_APPEND` ([`target`]).
//! 3. The last byte: a file that ends without a line break ends with a torn record.
//! 4. One `write`. A part that was written is cut off again where no other process wrote behind it.
//! 5. `fstatat` of the name: a log that was rotated meanwhile has the record under its new name.
//! 6. Unlock, and `fsync` when durable.

mod rules;
mod target;

use crate::error::{Code, Error, Os};
use crate::ops::write::IsAborted;
use crate::ops::write::directory_sync::{cannot_be_synced, sync_directory};
use crate::ops::write::fsync_errors::{self, Mark};
use crate::resolve::Scope;
use crate::sys::{self, AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use target::{AppendTarget, Ready};

pub use rules::AppendRules;

/// What an append came to.
#[derive(Debug)]
pub enum Outcome {
    /// Another holder has the lock.
    Busy {
        /// The text about it.
        holder: Vec<u8>,
        /// Device and inode of the lock file.
        lock: (u64, u64),
    },
    /// The records are in the file.
    Appended(Box<Appended>),
}

/// Appended records.
#[derive(Debug)]
pub struct Appended {
    /// The real path of the file; `None` when it equals the path as given.
    pub real: Option<Vec<u8>>,
    /// Where the records begin.
    pub offset: u64,
    /// Bytes of the file.
    pub size: u64,
    /// No file had the name before.
    pub created: bool,
    /// A torn record was in front of them.
    pub isolated: bool,
    /// The file lost its name meanwhile.
    pub rotated: bool,
    /// What is to be synced; `None` when nothing is.
    pub unsynced: Option<Unsynced>,
}

/// A failed append.
#[derive(Debug)]
pub struct Failure {
    /// What failed.
    pub error: Error,
    /// A part of the records is in the file. The next append isolates it.
    pub is_torn: bool,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            is_torn: false,
        }
    }
}

/// A file with records that are not synced yet.
#[derive(Debug)]
pub struct Unsynced {
    file: Arc<OwnedFd>,
    /// Its directory, when the file is new.
    directory: Option<Arc<OwnedFd>>,
    /// Directories were made for the file, and could not be synced.
    is_below_unsynced: bool,
    began: Mark,
}

impl Unsynced {
    /// Syncs the file, and its directory when the file is new. Returns false where the file system
    /// does not support that.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`]: the records are in the file, and may not survive a power loss.
    pub fn sync(self) -> Result<bool, Error> {
        let unsure = |os: Os| Error::refused_by(Code::NotDurable, "append", os);
        match fsync_errors::sync_file(self.file.as_fd()) {
            Ok(()) => {}
            Err(os) if cannot_be_synced(os.errno) => return Ok(false),
            Err(os) => return Err(unsure(os)),
        }
        let mut is_synced = !self.is_below_unsynced;
        if let Some(directory) = &self.directory {
            is_synced &= match sync_directory(directory.as_fd()) {
                Err(Error::System { os, .. }) => return Err(unsure(os)),
                result => result?,
            };
        }
        if fsync_errors::has_failed_since(self.began, self.file.as_fd()) {
            return Err(unsure(Os {
                errno: sys::EIO,
                syscall: "fsync",
            }));
        }
        Ok(is_synced)
    }
}

/// Appends records if the lock is free now. `records` ends with a line break.
///
/// # Errors
///
/// Those of a write for the path and of [`super::lock`]; [`Code::TornTail`], [`Code::TooLarge`],
/// [`Code::Aborted`] where `is_aborted`, which is called once, under the lock, was true; otherwise what
/// the system returned.
pub fn append(
    scope: &Scope<'_>,
    raw: &[u8],
    records: &[u8],
    rules: &AppendRules<'_>,
    is_aborted: IsAborted<'_>,
) -> Result<Outcome, Failure> {
    let began = fsync_errors::mark();
    let mut target = AppendTarget::open(scope, raw, rules)?;
    if !target.lock.try_lock()? {
        return Ok(Outcome::Busy {
            holder: target.lock.holder(),
            lock: target.lock.identity(),
        });
    }
    let appended = append_locked(&mut target, records, rules, began, is_aborted);
    // A failure is ignored: the close of the descriptor releases the lock as well.
    let _ = target.lock.unlock();
    let mut appended = appended?;
    appended.real = target.real_path();
    Ok(Outcome::Appended(Box::new(appended)))
}

fn append_locked(
    target: &mut AppendTarget,
    records: &[u8],
    rules: &AppendRules<'_>,
    began: Mark,
    is_aborted: IsAborted<'_>,
) -> Result<Appended, Failure> {
    if is_aborted() {
        return Err(Error::refused(Code::Aborted, "").into());
    }
    let Ready {
        fd: file,
        size,
        created,
    } = target.open_file(rules)?;
    let (size, isolated) = find_end(file.as_fd(), size)?;
    if isolated && !rules.isolates {
        return Err(Error::refused(Code::TornTail, "").into());
    }
    let separated;
    let data = if isolated {
        separated = [b"\n", records].concat();
        &separated[..]
    } else {
        records
    };
    let end = size + data.len() as u64;
    if rules.max_bytes.is_some_and(|most| end > most) {
        let mut refusal = crate::error::Refusal::new(Code::TooLarge, "append");
        refusal.size = Some(size);
        return Err(Error::from(refusal).into());
    }
    write_whole(file.as_fd(), data, size)?;
    let (rotated, size) = match seen_after(target, file.as_fd()) {
        Ok(seen) => seen,
        Err(os) => return Err(taken_back(file.as_fd(), size, end, os)),
    };
    let end = if size == end {
        end
    } else {
        end_of_write(file.as_fd(), end)
    };
    Ok(Appended {
        real: None,
        offset: end - records.len() as u64,
        size,
        created,
        isolated,
        rotated,
        unsynced: rules.is_durable.then(|| Unsynced {
            directory: created.then(|| target.directory()),
            is_below_unsynced: created && target.is_below_unsynced(),
            file,
            began,
        }),
    })
}

/// Returns whether the file lost its name, and its size. Somebody who takes no lock may have written in
/// front of the records, or behind them.
fn seen_after(target: &AppendTarget, file: BorrowedFd<'_>) -> Result<(bool, u64), Os> {
    match target.named()? {
        Some(stat) if target.is_file(&stat) => Ok((false, stat.size)),
        _ => Ok((true, sys::fstat(file)?.size)),
    }
}

/// Returns the error of an append whose records were written and could not be looked at. Removes them,
/// so that a caller who repeats the append does not write them twice.
fn taken_back(file: BorrowedFd<'_>, start: u64, end: u64, os: Os) -> Failure {
    if ends_at(file, end) && sys::truncate(file, start).is_ok() {
        os.into()
    } else {
        Error::refused_by(Code::NotDurable, "append", os).into()
    }
}

/// Returns the size of a file, and whether its last line has no end.
///
/// A program that takes no lock may be in the middle of a write, which the file's size shows in parts: a
/// line counts as torn when its end has not come within some milliseconds.
fn find_end(file: BorrowedFd<'_>, mut size: u64) -> Result<(u64, bool), Os> {
    const NAPS: u32 = 10;
    const NAP: Duration = Duration::from_millis(1);

    for nap in 0.. {
        let mut last = [0];
        if size == 0 || sys::read_at(file, &mut last, size - 1)? == 1 && last[0] == b'\n' {
            return Ok((size, false));
        }
        if nap == NAPS {
            break;
        }
        thread::sleep(NAP);
        size = sys::fstat(file)?.size;
    }
    Ok((size, true))
}

/// Returns where the written bytes end in a file that another process extended meanwhile.
fn end_of_write(file: BorrowedFd<'_>, expected: u64) -> u64 {
    #[cfg(unix)]
    let end = sys::position(file).unwrap_or(expected);
    #[cfg(windows)]
    let end = {
        let _ = file;
        expected
    };
    end
}

/// Writes at the end of the file, which was `start` bytes long. Undoes a part.
fn write_whole(file: BorrowedFd<'_>, data: &[u8], start: u64) -> Result<(), Failure> {
    let mut written = 0;
    while written < data.len() {
        let os = match sys::append(file, &data[written..]) {
            // A file system that writes 0 bytes without an error would cause an endless loop.
            Ok(0) => Os {
                errno: sys::EIO,
                syscall: "write",
            },
            Ok(count) => {
                written += count;
                // The rest belongs right behind a part: no other process may have written there.
                if written == data.len() || ends_at(file, start + written as u64) {
                    continue;
                }
                Os {
                    errno: sys::EIO,
                    syscall: "write",
                }
            }
            Err(os) => os,
        };
        let is_undone = written == 0
            || ends_at(file, start + written as u64) && sys::truncate(file, start).is_ok();
        return Err(Failure {
            error: os.into(),
            is_torn: !is_undone,
        });
    }
    Ok(())
}

fn ends_at(file: BorrowedFd<'_>, size: u64) -> bool {
    sys::fstat(file).is_ok_and(|stat| stat.size == size)
}
