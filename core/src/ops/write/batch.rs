//! Many files at once: all written, all synced, all renamed, and each directory synced once.
//!
//! The system writes everything back at the same time instead of one file after the other, and a
//! journal commits once for many names. Each file has an answer of its own; none is undone for
//! another's failure.

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
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Files that are under way at the same time: each holds two descriptors.
const AT_ONCE: usize = 64;

/// Threads that write, sync and rename them, of which the calling one is one. They end with the call.
const THREADS: usize = 16;

/// One of the files.
#[derive(Debug)]
pub struct Item<'a> {
    /// Where it is written.
    pub path: &'a [u8],
    /// Its content.
    pub data: &'a [u8],
    /// How it is written.
    pub rules: Rules,
}

/// Writes files, and answers for each, in the order given. Those with the same name are published
/// in that order too.
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

/// How many files may be under way at the same time: up to the second entry with one path, which
/// must find the first published to keep its mode, owner and ACL.
fn length_of_chunk(items: &[Item<'_>]) -> usize {
    let mut paths = HashSet::new();
    items
        .iter()
        .take(AT_ONCE)
        .take_while(|item| paths.insert(path::identity(item.path)))
        .count()
}

/// Writes entries side by side. One that turns out to be the file of an entry before it, by another
/// name, is written after them.
fn write_chunk(
    scope: &Scope<'_>,
    items: &[Item<'_>],
    is_aborted: IsAborted<'_>,
) -> Vec<Result<Written, Error>> {
    let prepared = side_by_side(items.iter().collect(), |item: &Item<'_>| {
        let prepared = Prepared::new(scope, item.path, item.data, &item.rules)?;
        prepared.start_sync();
        Ok(prepared)
    });
    let repeated = mark_repeated(&prepared);
    let kept = prepared
        .into_iter()
        .zip(&repeated)
        .filter(|(_, is_repeated)| !**is_repeated)
        .map(|(kept, _)| kept)
        .collect();
    let mut published = publish_all(scope, kept, is_aborted).into_iter();
    items
        .iter()
        .zip(repeated)
        .map(|(item, is_repeated)| {
            let written = if is_repeated { None } else { published.next() };
            written.unwrap_or_else(|| write(scope, item.path, item.data, &item.rules, is_aborted))
        })
        .collect()
}

fn publish_all(
    scope: &Scope<'_>,
    prepared: Vec<Result<Prepared, Error>>,
    is_aborted: IsAborted<'_>,
) -> Vec<Result<Written, Error>> {
    let synced = side_by_side(prepared, |prepared: Result<Prepared, Error>| {
        let mut prepared = prepared?;
        prepared.sync()?;
        prepared.close()?;
        Ok(prepared)
    });
    if is_aborted() {
        let abort = |_| Err(Error::refused(Code::Aborted, ""));
        return synced
            .into_iter()
            .map(|synced: Result<_, Error>| synced.and_then(abort))
            .collect();
    }
    let began = fsync_errors::mark();
    let published = side_by_side(synced, |synced: Result<Prepared, Error>| {
        let mut prepared = synced?;
        prepared.recheck(scope)?;
        prepared.publish(scope, began)
    });
    let durability = sync_directories(&published);
    published
        .into_iter()
        .zip(durability)
        .map(|(published, durable)| Ok(published?.into_written(durable?)))
        .collect()
}

/// Marks each entry that is the file of one before it: the same name in the same directory, whatever
/// links led there, or the same file by another mount where it is written in place.
///
/// The file systems are asked only about names that are alike but for case and accents.
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
            let Some(directory) = file.target.identity() else {
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

/// Does the same to many things, several at a time, and keeps their order.
///
/// A sync ends with a flush of the disk's cache, and flushes asked for at the same time are one; a
/// rename over a file frees that file, which some file systems take milliseconds for.
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
            // Where no thread is to be had, the others do its share.
            let _ = thread::Builder::new().spawn_scoped(scope, work_through);
        }
        work_through();
    });
    cells
        .into_iter()
        .filter_map(|cell| cell.into_inner().unwrap_or_else(PoisonError::into_inner).1)
        .collect()
}

/// Syncs every directory once, after all names are in it. Its failure is that of all its files; its
/// success is confirmed for each.
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

/// A directory that is to be synced.
#[derive(PartialEq, Eq, Hash)]
struct Directory {
    identity: (u64, u64),
    /// One that was opened where it could not be read cannot be synced; another descriptor can.
    can_sync: bool,
}

impl Directory {
    fn of(file: &Published) -> Option<Self> {
        if file.durable != Durable::Full {
            return None;
        }
        Some(Self {
            identity: file.target.identity()?,
            can_sync: file.target.can_sync(),
        })
    }
}
