//! Overwrites the content of a file that cannot be renamed over: a mount point, such as a
//! single-file bind mount.
//!
//! This is not atomic. A reader may see partial content, and a killed process or a power loss
//! leaves partial content. A copy of the old content exists beside the file from before the first
//! change until the new content is synced. Its name ends in `.recovery`. A failed write is undone
//! from the copy; the copy stays only if that fails too.
//!
//! Concurrent writers of one file are serialised by [`lock`]. During and after the write, the
//! file's permissions are bounded by the old mode, the new mode and the staged file's mode
//! ([`access`]).

mod access;
mod lock;

use super::apply_metadata::{Applied, Plan};
use super::directory_sync::sync_directory;
use super::fsync_errors::{self, Mark};
use super::published::Published;
use super::rules::{Durable, Rules};
use super::swapped_in_file::SwappedInFile;
use super::target::WriteTarget;
use crate::error::{Code, Error, Os, Refusal};
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::{Method, RECOVERY_SUFFIX, Temporary};
use access::Access;
pub(super) use lock::{Lock, UPDATE_WAIT, WRITER_WAIT};
use std::sync::Arc;

/// Bytes per copy step.
const PIECE: usize = 256 * 1024;

/// Overwrites the target with the prepared content.
///
/// The temporary and the recovery copy are used through their descriptors only: another user of the
/// directory may exchange their names. The target is opened by name, and must be the file that was
/// inspected.
///
/// # Errors
///
/// [`Code::NotFile`], [`Code::Hardlink`], [`Code::NotOwned`], [`Code::PathMismatch`]; EBUSY while
/// another writer holds the lock; otherwise what the system returned, with the path of the recovery
/// copy if the file could not be restored.
pub(super) fn publish(
    target: WriteTarget,
    temporary: Temporary,
    plan: &Plan,
    swapped_in_file: Option<&SwappedInFile>,
    size: u64,
    rules: &Rules,
    began: Mark,
) -> Result<Published, Error> {
    let directory = target.directory();
    let source = temporary.content()?;
    let old_file = open_target(&target)?;
    let seen = sys::fstat(old_file.as_fd())?;
    check_overwritable(&seen)?;
    let is_expected = plan
        .old_file()
        .is_some_and(|old| old.stat.is_same_object(&seen));
    if !is_expected {
        return Err(Error::refused(Code::PathMismatch, "target"));
    }
    let _lock = Lock::take(old_file.as_fd(), &seen, WRITER_WAIT, &|| false)?;
    // The previous writer may have changed size and mode.
    let old = sys::fstat(old_file.as_fd())?;
    check_overwritable(&old)?;
    let access = Access::new(old_file.as_fd(), &old, rules.mode, swapped_in_file)?;
    if access.shows_substitute() && metadata::others_may_rename_in(&sys::fstat(directory.as_fd())?)
    {
        return Err(Error::refused(Code::PathMismatch, "shown"));
    }
    access.narrow(old_file.as_fd())?;
    let recovery = match make_recovery(&directory, old_file.as_fd()) {
        Ok(recovery) => recovery,
        Err(error) => return Err(access.restore_after(error, old_file.as_fd())),
    };
    let replaced =
        replace(source, old_file.as_fd(), size).and_then(|()| access.finish(old_file.as_fd()));
    if let Err(os) = replaced {
        if restore(&target, recovery.fd()?, old_file.as_fd(), &old).is_ok() {
            return Err(access.restore_after(os.into(), old_file.as_fd()));
        }
        // The file keeps its narrowed mode: it may hold part of the new content.
        let name = recovery.keep(RECOVERY_SUFFIX);
        let error = Error::System {
            os,
            temporary: name.map(|name| target.full_path(&name)),
        };
        return Err(access.tell(error, old_file.as_fd(), None));
    }
    drop(recovery);
    drop(temporary);
    // The new content is complete: a failure from here on concerns durability only.
    let unsure = |os| Error::refused_by(Code::NotDurable, "", os);
    let stat = sys::fstat(old_file.as_fd()).map_err(unsure)?;
    if rules.durable != Durable::No && fsync_errors::has_failed_since(began, old_file.as_fd()) {
        return Err(target.in_doubt());
    }
    let preserved = access.preserved(old_file.as_fd(), &old, &stat);
    sys::close(old_file).map_err(unsure)?;
    Ok(Published {
        target,
        applied: Applied {
            stat,
            preserved: Some(preserved),
        },
        size,
        method: Method::InPlace,
        durable: rules.durable,
        began,
    })
}

fn open_target(target: &WriteTarget) -> Result<OwnedFd, Os> {
    let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    sys::open_at(target.directory().as_fd(), target.name(), flags)
}

/// Refuses a file of another owner, and a file with a second name, which would show the new content
/// too.
pub(crate) fn check_overwritable(stat: &Stat) -> Result<(), Error> {
    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, stat.kind_word()));
    }
    if stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, "in-place"));
    }
    if !metadata::is_own_or_root(stat.uid) {
        return Err(Refusal {
            uid: Some(stat.uid),
            euid: metadata::effective_user(),
            ..Refusal::new(Code::NotOwned, "file")
        }
        .into());
    }
    Ok(())
}

/// Copies the file as it is, and syncs the copy.
fn make_recovery(directory: &Arc<OwnedFd>, old_file: BorrowedFd<'_>) -> Result<Temporary, Error> {
    let recovery = Temporary::create_named(Arc::clone(directory), 0o600, RECOVERY_SUFFIX)?;
    copy(old_file, recovery.fd()?)?;
    fsync_errors::sync_file(recovery.fd()?)?;
    sync_directory(directory.as_fd())?;
    Ok(recovery)
}

/// Restores the old content of the file.
///
/// Uses another descriptor where the name still refers to the file: after a failed sync, the next
/// sync of the same descriptor returns success for lost pages.
fn restore(
    target: &WriteTarget,
    copy: BorrowedFd<'_>,
    old_file: BorrowedFd<'_>,
    old: &Stat,
) -> Result<(), Os> {
    let again = open_target(target).and_then(|again| {
        let is_same = sys::fstat(again.as_fd())?.is_same_object(old);
        Ok(is_same.then_some(again))
    });
    match again {
        Ok(Some(again)) => replace(copy, again.as_fd(), old.size),
        _ => replace(copy, old_file, old.size),
    }
}

/// Replaces the content of a file by that of another, and syncs it.
fn replace(from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<(), Os> {
    copy(from, to)?;
    sys::truncate(to, size)?;
    fsync_errors::sync_file(to)
}

/// Copies the whole content of a file to another, from offset 0.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Os> {
    let mut piece = vec![0_u8; PIECE];
    let mut offset = 0;
    loop {
        let count = sys::read_at(from, &mut piece, offset)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &piece[..count];
        while !rest.is_empty() {
            let written = sys::write_at(to, rest, offset)?;
            if written == 0 {
                return Err(Os {
                    errno: sys::EIO,
                    syscall: "write",
                });
            }
            offset += written as u64;
            rest = &rest[written..];
        }
    }
}
