//! Writing over the content of a file that cannot be renamed over: one that is a mount point, as a
//! single-file bind mount is.
//!
//! This is not atomic: a reader may see a part, and a process that is killed, or a power loss, leaves
//! a part. A copy of the old content lies beside the file from before the first change until the
//! new content is synced, under a name that ends with `.recovery`. A write that fails is undone
//! from it; only if that fails too does it stay.
//!
//! Several writers of one file take turns ([`lock`]). What it grants meanwhile and afterwards is
//! bounded by the old mode, the new one and the staged file's ([`access`]).

mod access;
mod lock;

use super::apply_metadata::{Applied, Plan};
use super::directory_sync::sync_directory;
use super::fsync_errors::{self, Mark};
use super::published::Published;
use super::rules::{Durable, Rules};
use super::substitute::Substitute;
use super::target::WriteTarget;
use crate::error::{Code, Error, Os, Refusal};
use crate::metadata;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::{Method, RECOVERY_SUFFIX, Temporary};
use access::Access;
use lock::Lock;
use std::sync::Arc;

/// Bytes that are copied at a time.
const PIECE: usize = 256 * 1024;

/// Writes what was prepared over the file that has the name.
///
/// The temporary and the recovery copy are used by their descriptors alone: another user of the
/// directory may exchange their names. The target has to be opened by its name, and has to be the
/// file that was looked at.
///
/// # Errors
///
/// [`Code::NotFile`], [`Code::Hardlink`], [`Code::NotOwned`], [`Code::PathMismatch`]; EBUSY while
/// another writer has the file; otherwise what the system returned, with the path of the recovery
/// copy if the file could not be restored.
pub(super) fn publish(
    target: WriteTarget,
    temporary: Temporary,
    plan: &Plan,
    substitute: Option<&Substitute>,
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
    let _lock = Lock::take(old_file.as_fd(), &seen)?;
    // The writer before may have changed size and mode.
    let old = sys::fstat(old_file.as_fd())?;
    check_overwritable(&old)?;
    let access = Access::new(old_file.as_fd(), &old, rules.mode, substitute)?;
    if access.shows_substitute() && metadata::others_may_rename_in(&sys::fstat(directory.as_fd())?)
    {
        return Err(Error::refused(Code::PathMismatch, "shown"));
    }
    access.narrow(old_file.as_fd())?;
    let recovery = match make_recovery(&directory, old_file.as_fd()) {
        Ok(recovery) => recovery,
        Err(error) => {
            access.restore(old_file.as_fd());
            return Err(error);
        }
    };
    let replaced =
        replace(source, old_file.as_fd(), size).and_then(|()| access.finish(old_file.as_fd()));
    if let Err(os) = replaced {
        if restore(&target, recovery.fd()?, old_file.as_fd(), &old).is_ok() {
            access.restore(old_file.as_fd());
            return Err(os.into());
        }
        // The file stays narrow: it may hold a part of the new content.
        let name = recovery.keep(RECOVERY_SUFFIX);
        return Err(Error::System {
            os,
            temporary: name.map(|name| target.full_path(&name)),
        });
    }
    drop(recovery);
    drop(temporary);
    // The new content is there: what fails now is no failure to write it.
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

/// Another's file is not ours to write over, and a second name would show the new content too.
pub(crate) fn check_overwritable(stat: &Stat) -> Result<(), Error> {
    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, stat.kind_word()));
    }
    if stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, ""));
    }
    if !metadata::is_own_or_root(stat.uid) {
        return Err(Refusal {
            uid: Some(stat.uid),
            euid: Some(sys::effective_user()),
            ..Refusal::new(Code::NotOwned, "file")
        }
        .into());
    }
    Ok(())
}

/// A copy of the file as it is, that survives whatever comes next.
fn make_recovery(directory: &Arc<OwnedFd>, old_file: BorrowedFd<'_>) -> Result<Temporary, Error> {
    let recovery = Temporary::create_named(Arc::clone(directory), 0o600, RECOVERY_SUFFIX)?;
    copy(old_file, recovery.fd()?)?;
    fsync_errors::sync_file(recovery.fd()?)?;
    sync_directory(directory.as_fd())?;
    Ok(recovery)
}

/// Gives the file its old content back.
///
/// Through another descriptor where the name still leads to the file: once a sync has failed, the
/// next of the same one would succeed for what is lost.
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

/// Gives a file the content of another, and syncs it.
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
