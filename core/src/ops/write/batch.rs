//! Writes many files at once: writes all, syncs all, renames all, then syncs each directory once.
//!
//! The system writes all files back in parallel, and a journal commits many names at once. Each
//! file has its own result; an error does not undo other files. Files in progress hold descriptors, so
//! that one which finds none is written alone, after the others.

use super::fsync_errors;
use super::prepared::Prepared;
use super::published::Published;
use super::rules::{Durable, IsAborted, Rules, Written};
use super::single::write;
use crate::error::{Code, Error};
use crate::failpoint;
use crate::path;
use crate::resolve::Scope;
use crate::sys::{self, AsFd};
use crate::temporary::reporting_leftovers;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Files in progress at the same time. Each holds two descriptors.
const AT_ONCE: usize = 64;

/// Threads that write, sync and rename, including the calling thread. They end with the call.
const THREADS: usize = 16;

/// One file of a batch.
#[derive(Debug)]
pub struct Item<'a> {
    /// The path to write to.
    pub path: &'a [u8],
    /// The content.
    pub data: &'a [u8],
    /// The rules of this write.
    pub rules: Rules,
}

/// Writes files, and returns one result for each, in the order given. Entries with the same name
/// are published in that order.
///
/// # Errors
///
/// For each file as [`super::write`].
pub fn write_many(
    scope: &Scope<'_>,
    items: &[Item<'_>],
    is_aborted: IsAborted<'_>,
) -> Vec<Result<Written, Error>> {
    let mut answers = Vec::with_capacity(items.len());
    let mut rest = items;
    while !rest.is_empty() {
        let (chunk, others) = rest.split_at(length_of_chunk(rest));
        answers.extend(write_chunk(scope, chunk, is_aborted));
        rest = others;
    }
    answers
}

/// Returns how many files may be in progress at the same time. A second entry with the same path
/// ends the chunk: it must find the first one published to keep its mode, owner and ACL.
fn length_of_chunk(items: &[Item<'_>]) -> usize {
    let mut paths = HashSet::new();
    items
        .iter()
        .take(AT_ONCE)
        .take_while(|item| paths.insert(path::identity(item.path)))
        .count()
}

/// Writes entries in parallel. An entry that is the file of an earlier entry under another name is
/// written after the others, and so is one for which no descriptor was left.
fn write_chunk(
    scope: &Scope<'_>,
    items: &[Item<'_>],
    is_aborted: IsAborted<'_>,
) -> Vec<Result<Written, Error>> {
    let prepared = side_by_side(items.iter().collect(), |item: &Item<'_>| {
        reporting_leftovers(|| {
            let prepared = Prepared::new(scope, item.path, item.data, &item.rules)?;
            prepared.start_sync();
            Ok(prepared)
        })
    });
    let mut late = mark_repeated(&prepared);
    mark_starved(items, &prepared, &mut late);
    let kept = prepared
        .into_iter()
        .zip(&late)
        .filter(|(_, is_late)| !**is_late)
        .map(|(kept, _)| kept)
        .collect();
    let mut published = publish_all(scope, kept, is_aborted).into_iter();
    let mut patience = Patience(PAUSES);
    items
        .iter()
        .zip(late)
        .map(|(item, is_late)| {
            let written = if is_late { None } else { published.next() };
            match written {
                Some(written) if !is_starved(&written) => written,
                _ => patience.write(scope, item, is_aborted),
            }
        })
        .collect()
}

/// Returns whether a write failed because the process has no descriptor left.
fn is_starved<T>(written: &Result<T, Error>) -> bool {
    matches!(written, Err(Error::System { os, .. })
        if os.syscall == "open" && matches!(os.errno, sys::EMFILE | sys::ENFILE))
}

/// Marks entries for which no descriptor was left, and later entries that may be the same file.
fn mark_starved(items: &[Item<'_>], prepared: &[Result<Prepared, Error>], late: &mut [bool]) {
    let mut names = HashSet::new();
    for ((item, prepared), is_late) in items.iter().zip(prepared).zip(late) {
        let name = || path::folded(path::split(item.path).map_or(item.path, |(_, name)| name));
        if is_starved(prepared) {
            *is_late = true;
            names.insert(name());
        } else if !names.is_empty() {
            *is_late |= names.contains(&name());
        }
    }
}

/// Pauses of all entries of a chunk, and their length. Other chunks publish their files meanwhile.
const PAUSES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);

/// Writes entries alone, and waits for descriptors that other calls hold.
struct Patience(u32);

impl Patience {
    fn write(
        &mut self,
        scope: &Scope<'_>,
        item: &Item<'_>,
        is_aborted: IsAborted<'_>,
    ) -> Result<Written, Error> {
        loop {
            let written = write(scope, item.path, item.data, &item.rules, is_aborted);
            if self.0 == 0 || !is_starved(&written) {
                return written;
            }
            self.0 -= 1;
            thread::sleep(PAUSE);
        }
    }
}

fn publish_all(
    scope: &Scope<'_>,
    prepared: Vec<Result<Prepared, Error>>,
    is_aborted: IsAborted<'_>,
) -> Vec<Result<Written, Error>> {
    let synced = side_by_side(prepared, |prepared: Result<Prepared, Error>| {
        reporting_leftovers(|| {
            let mut prepared = prepared?;
            prepared.sync(scope)?;
            prepared.close()?;
            Ok(prepared)
        })
    });
    if is_aborted() {
        return synced
            .into_iter()
            .map(|synced: Result<Prepared, Error>| {
                reporting_leftovers(|| {
                    drop(synced?);
                    Err(Error::refused(Code::Aborted, ""))
                })
            })
            .collect();
    }
    let began = fsync_errors::mark();
    let published = side_by_side(synced, |synced: Result<Prepared, Error>| {
        reporting_leftovers(|| {
            let mut prepared = synced?;
            prepared.recheck(scope)?;
            prepared.publish(scope, began)
        })
    });
    let durability = sync_directories(&published);
    published
        .into_iter()
        .zip(durability)
        .map(|(published, durable)| Ok(published?.into_written(durable?)))
        .collect()
}

/// Marks each entry that writes the file of an earlier entry: the same name in the same directory
/// through symlinks, or the same file through another mount where it is written in place.
///
/// Calls the file system only for names that are equal but for case and accents.
fn mark_repeated(prepared: &[Result<Prepared, Error>]) -> Vec<bool> {
    let folded_name = |file: &Prepared| path::folded(file.target.name());
    let mut alike: HashMap<Vec<u8>, usize> = HashMap::new();
    for file in prepared.iter().flatten() {
        *alike.entry(folded_name(file)).or_default() += 1;
    }
    let mut seen = HashSet::new();
    let mut in_place = HashSet::new();
    let mut folding = HashMap::new();
    prepared
        .iter()
        .map(|file| {
            let Ok(file) = file else {
                return false;
            };
            let target = file.plan.old_file().filter(|_| file.rules.in_place);
            if target.is_some_and(|target| !in_place.insert((target.stat.dev, target.stat.ino))) {
                return true;
            }
            let folded = folded_name(file);
            if alike.get(&folded) == Some(&1) {
                return false;
            }
            let Ok(directory) = file.target.identity() else {
                return true;
            };
            let folds = folding
                .entry(directory)
                .or_insert_with(|| sys::folds_names(file.target.directory().as_fd()));
            let name = if *folds {
                folded
            } else {
                file.target.name().to_vec()
            };
            !seen.insert((directory, name))
        })
        .collect()
}

/// Runs `work` on each item, several at a time, and returns the results in order.
///
/// A sync ends with a flush of the disk's cache, and concurrent flushes are merged. A rename over a
/// file frees that file, which takes milliseconds on some file systems.
fn side_by_side<T: Send, U: Send>(things: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let threads = things.len().min(THREADS);
    let next = AtomicUsize::new(0);
    let cells: Vec<Mutex<(Option<T>, Option<U>)>> = things
        .into_iter()
        .map(|thing| Mutex::new((Some(thing), None)))
        .collect();
    let work_through = || {
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(thing) = cell.0.take() {
                failpoint::hit("thread");
                cell.1 = Some(work(thing));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without a further thread, the existing ones do its share.
            let _ = thread::Builder::new().spawn_scoped(scope, work_through);
        }
        work_through();
    });
    cells
        .into_iter()
        .filter_map(|cell| cell.into_inner().unwrap_or_else(PoisonError::into_inner).1)
        .collect()
}

/// Syncs every directory once, after all names are in it. A failure is that of all its files; a
/// success is confirmed for each file.
fn sync_directories(published: &[Result<Published, Error>]) -> Vec<Result<Durable, Error>> {
    let mut synced: HashMap<Directory, Result<Durable, Error>> = HashMap::new();
    published
        .iter()
        .map(|file| {
            let Ok(file) = file else {
                return Ok(Durable::No);
            };
            let Some(directory) = Directory::of(file) else {
                return file.sync_directory();
            };
            let result = synced
                .entry(directory)
                .or_insert_with(|| file.target.sync())
                .clone()?;
            file.confirm(result)
        })
        .collect()
}

/// A directory to sync.
#[derive(PartialEq, Eq, Hash)]
struct Directory {
    identity: (u64, u64),
    /// False where the directory was opened without read permission. Another descriptor of it may
    /// be able to sync.
    can_sync: bool,
}

impl Directory {
    fn of(file: &Published) -> Option<Self> {
        if file.durable != Durable::Full {
            return None;
        }
        Some(Self {
            identity: file.target.identity().ok()?,
            can_sync: file.target.can_sync(),
        })
    }
}
