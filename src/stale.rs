//! Removing what killed processes left behind: temporaries of ours, and nothing else.

use crate::error::Error;
use crate::path;
use crate::permission;
use crate::root::Root;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, Stat};
use crate::temporary;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Removes the temporaries in a directory that the effective user owns, that nothing has been
/// written to or changed about for so long, and that no live process is making. Answers their paths.
///
/// A temporary is known by its whole name, and by being a regular file. One that comes in pieces, or
/// that somebody else writes, is locked by its maker, where the file system has locks; any other is
/// made and published in one go, and older than its maker can be if `older_than` is longer than
/// any write takes.
///
/// # Errors
///
/// As [`Root::open`]; otherwise what the system answered to reading the directory or removing a
/// temporary. Those removed before stay removed.
pub fn remove(raw: &[u8], older_than: Duration) -> Result<Vec<Vec<u8>>, Error> {
    let root = Root::open(raw)?;
    let directory = root.directory();
    let dir = directory.as_fd();
    let mut removed = Vec::new();
    for name in sys::list(dir)? {
        if temporary::is_name_of_one(&name) && is_stale(dir, &name, older_than)? {
            match sys::unlink_at(dir, &name) {
                Ok(()) => removed.push(path::join(root.real(), &name).into_owned()),
                // Somebody else was faster.
                Err(os) if os.errno == sys::ENOENT => {}
                Err(os) => return Err(os.into()),
            }
        }
    }
    Ok(removed)
}

fn is_stale(dir: BorrowedFd<'_>, name: &[u8], older_than: Duration) -> Result<bool, Error> {
    let stat = match sys::kind_at(dir, name) {
        Ok(stat) => stat,
        Err(os) if os.errno == sys::ENOENT => return Ok(false),
        Err(os) => return Err(os.into()),
    };
    Ok(stat.is_file()
        && permission::is_own(stat.uid)
        && age(&stat).is_some_and(|age| age >= older_than)
        && !is_in_use(dir, name, &stat))
}

/// How long ago it was last written to or changed; `None` for a time that has not come yet.
fn age(stat: &Stat) -> Option<Duration> {
    let last = [stat.modified, stat.changed]
        .into_iter()
        .map(|time| {
            UNIX_EPOCH + Duration::new(u64::try_from(time.seconds).unwrap_or(0), time.nanoseconds)
        })
        .max()?;
    SystemTime::now().duration_since(last).ok()
}

/// Whether its maker holds its lock. What this user may not open, and what cannot be locked, is
/// judged by its age; any other failure says nothing about the file, which then stays.
fn is_in_use(dir: BorrowedFd<'_>, name: &[u8], seen: &Stat) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = match sys::open_at(dir, name, flags) {
        Ok(file) => file,
        Err(os) => return !matches!(os.errno, sys::EACCES | sys::EPERM),
    };
    match sys::status(file.as_fd()) {
        Ok(stat) if (stat.dev, stat.ino) == (seen.dev, seen.ino) => {
            matches!(sys::try_lock(file.as_fd()), Ok(false))
        }
        // It changed under us: whoever did that is alive.
        _ => true,
    }
}
