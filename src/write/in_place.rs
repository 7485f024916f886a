//! Writing over the content of a file that cannot be renamed over: one that is a mount point, as a
//! single-file bind mount is.
//!
//! This is not atomic: a reader may see a part, and a process that is killed, or a power loss, leaves
//! a part. A copy of the old content lies beside the file from before the first change until the
//! new content is synced, under a name that ends with `.recovery`. A write that fails is undone
//! from it; only if that fails too does it stay.

use super::fsync_errors::{self, Mark};
use super::place::sync_directory;
use super::settle::Settled;
use super::{Durable, Prepared, Preserved, Published};
use crate::error::{Code, Error, Os, Refusal};
use crate::permission;
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};
use crate::temporary::{Method, RECOVERY_SUFFIX, Temporary};

/// Bytes that are copied at a time.
const PIECE: usize = 256 * 1024;

/// Writes what was prepared over the file that has the name.
///
/// # Errors
///
/// [`Code::NotFile`], [`Code::Hardlink`], [`Code::NotOwned`]; otherwise what the system answered,
/// with the path of the recovery copy if the file could not be restored.
pub(super) fn publish(prepared: Prepared, began: Mark) -> Result<Published, Error> {
    let Prepared {
        place,
        temporary,
        size,
        rules,
        ..
    } = prepared;
    let directory = place.directory();
    let dir = directory.as_fd();
    let nofollow = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let source = sys::open_at(
        dir,
        temporary.name().unwrap_or_default(),
        OFlag::O_RDONLY | nofollow,
    )?;
    let target = sys::open_at(dir, place.name(), OFlag::O_RDWR | nofollow)?;
    let old = sys::status(target.as_fd())?;
    judge(&old)?;
    if let Some(mode) = rules.mode.filter(|mode| *mode != old.permissions()) {
        sys::change_mode(target.as_fd(), mode)?;
    }
    let recovery = make_recovery(&directory, target.as_fd())?;
    if let Err(os) = replace(source.as_fd(), target.as_fd(), size) {
        // Through another descriptor: once a sync has failed, the next of the same one would answer
        // success for what is lost.
        let restored = sys::open_at(dir, place.name(), OFlag::O_RDWR | nofollow)
            .and_then(|again| restore(recovery.fd()?, again.as_fd(), &old));
        if restored.is_err() {
            let path = recovery.name().map(|name| place.full_path(name));
            recovery.keep();
            return Err(Error::System {
                os,
                temporary: path,
            });
        }
        return Err(os.into());
    }
    drop(recovery);
    // The new content is there: what fails now is no failure to write it.
    let unsure = |os| Error::refused_by(Code::NotDurable, "", os);
    let stat = sys::status(target.as_fd()).map_err(unsure)?;
    if rules.durable != Durable::No && fsync_errors::has_failed_since(began, target.as_fd()) {
        return Err(place.in_doubt());
    }
    sys::close(target).map_err(unsure)?;
    Ok(Published {
        place,
        settled: Settled {
            stat,
            preserved: Some(Preserved {
                mode: stat.mode & 0o777 == old.mode & 0o777,
                acl: rules.mode.is_none(),
                owner: true,
            }),
        },
        size,
        method: Method::InPlace,
        durable: rules.durable,
        began,
    })
}

/// Another's file is not ours to write over, and a second name would show the new content too.
pub(super) fn judge(stat: &Stat) -> Result<(), Error> {
    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, stat.kind_word()));
    }
    if stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, ""));
    }
    if !permission::is_own_or_root(stat.uid) {
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
fn make_recovery(
    directory: &std::sync::Arc<OwnedFd>,
    target: BorrowedFd<'_>,
) -> Result<Temporary, Error> {
    let recovery =
        Temporary::create_named(std::sync::Arc::clone(directory), 0o600, RECOVERY_SUFFIX)?;
    // Read as well: the file may have to be restored from it.
    let readable = sys::open_at(
        directory.as_fd(),
        recovery.name().unwrap_or_default(),
        OFlag::O_RDWR | OFlag::O_NOFOLLOW,
    )?;
    let mut recovery = recovery;
    recovery.replace_fd(readable);
    copy(target, recovery.fd()?)?;
    fsync_errors::sync_file(recovery.fd()?)?;
    sync_directory(directory.as_fd())?;
    Ok(recovery)
}

/// Gives the file that has the name its old content back, if it is still the same file.
fn restore(copy: BorrowedFd<'_>, file: BorrowedFd<'_>, old: &Stat) -> Result<(), Os> {
    let now = sys::status(file)?;
    if (now.dev, now.ino) != (old.dev, old.ino) {
        return Err(Os {
            errno: sys::ENOENT,
            syscall: "open",
        });
    }
    replace(copy, file, old.size)
}

/// Gives a file the content of another, and syncs it.
fn replace(from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<(), Os> {
    copy(from, to)?;
    sys::truncate(to, size)?;
    fsync_errors::sync_file(to)
}

fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Os> {
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
