//! A file that is filled before publication: in pieces, or by another program through its path.

use super::apply_metadata::{PRIVATE, Plan};
use super::fill_temporary::{create_locked_temporary, write_all};
use super::prepared::Prepared;
use super::rules::{IsAborted, Rules, Written};
use super::swapped_in_file::SwappedInFile;
use super::target::WriteTarget;
use crate::error::{Code, Error, Os, Refusal};
use crate::metadata;
use crate::resolve::Scope;
use crate::sys::{self, AsFd, OFlag, Stat};
use crate::temporary::{Purpose, Temporary, reporting_leftovers};
use std::time::Instant;

/// An unpublished file, published once it is complete.
///
/// Until then the temporary has mode 0600. The target is inspected when the file is complete.
/// Dropping the stage leaves the old file as it was.
#[derive(Debug)]
pub struct Stage {
    target: WriteTarget,
    temporary: Temporary,
    rules: Rules,
    size: u64,
    is_shared: bool,
    has_metadata: bool,
}

impl Stage {
    /// Starts a file that is written in pieces.
    ///
    /// # Errors
    ///
    /// As [`super::write`]: a target that may not be replaced is refused before any content is
    /// written.
    pub fn begin(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        reporting_leftovers(|| Self::begin_for(scope, raw, rules, Purpose::Stream))
    }

    /// Starts a file that other programs write through the path of its temporary.
    ///
    /// # Errors
    ///
    /// As [`Self::begin`].
    pub fn begin_shared(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        reporting_leftovers(|| Self::begin_for(scope, raw, rules, Purpose::Named))
    }

    fn begin_for(
        scope: &Scope<'_>,
        raw: &[u8],
        rules: &Rules,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let mut target = WriteTarget::find(scope, raw, rules)?;
        target.inspect(scope, rules)?;
        let mut temporary = create_locked_temporary(&target, PRIVATE, purpose)?;
        let is_shared = purpose == Purpose::Named;
        if is_shared {
            // The umask may have taken bits of the owner, and others open the file by its name.
            if temporary.first_stat()?.mode & PRIVATE != PRIVATE {
                sys::change_mode(temporary.fd()?, PRIVATE)?;
            }
            temporary.share();
        }
        Ok(Self {
            target,
            temporary,
            rules: *rules,
            size: 0,
            is_shared,
            has_metadata: false,
        })
    }

    /// Returns the full path of the temporary, while it has a name.
    #[must_use]
    pub fn temporary_path(&self) -> Option<Vec<u8>> {
        self.temporary
            .name()
            .map(|name| self.target.full_path(name))
    }

    /// Returns descriptor number, device and inode of the temporary, to open another descriptor of
    /// it. The number is -1 on systems that have no such reopen.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn identity(&self) -> Result<(i32, u64, u64), Error> {
        let fd = self.temporary.fd()?;
        let stat = sys::fstat(fd)?;
        Ok((sys::number_to_reopen(fd)?, stat.dev, stat.ino))
    }

    /// Writes the next piece. An error drops the stage.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn append(mut self, data: &[u8]) -> Result<Self, Error> {
        reporting_leftovers(|| {
            write_all(&self.temporary, data)?;
            self.size += data.len() as u64;
            Ok(self)
        })
    }

    /// Closes and removes the temporary. After a failure the call can be repeated, and nothing else.
    ///
    /// # Errors
    ///
    /// What the system returned; the temporary remains.
    pub fn abort(&mut self) -> Result<(), Error> {
        self.temporary.remove()
    }

    /// Applies owner, ACL and mode now, before others work on the file. What they change of them
    /// stays, except setuid, setgid and sticky.
    ///
    /// # Errors
    ///
    /// As [`super::write`].
    pub fn apply_metadata(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        let old_file = self.target.recheck(scope, &self.rules)?;
        let first = self.temporary.first_stat()?;
        Plan::new(&self.rules, old_file).apply_metadata(self.temporary.fd()?, first)?;
        self.has_metadata = true;
        Ok(())
    }

    /// Publishes the file.
    ///
    /// # Errors
    ///
    /// As [`super::write`]. For a file that others wrote also [`Code::NotFound`],
    /// [`Code::NotFile`], [`Code::NotOwned`] and [`Code::Hardlink`], for the file that has the
    /// temporary's name now.
    pub fn commit(self, scope: &Scope<'_>, is_aborted: IsAborted<'_>) -> Result<Written, Error> {
        reporting_leftovers(|| self.publish(scope, is_aborted))
    }

    fn publish(mut self, scope: &Scope<'_>, is_aborted: IsAborted<'_>) -> Result<Written, Error> {
        let swapped_in_file = if self.is_shared {
            self.take_what_was_made()?
        } else {
            None
        };
        let inspected = Instant::now();
        let old_file = self.target.recheck(scope, &self.rules)?;
        let plan = Plan::new(&self.rules, old_file);
        let applied = match &swapped_in_file {
            Some(swapped_in_file) => swapped_in_file.apply_metadata(&plan, self.temporary.fd()?)?,
            None if self.has_metadata => plan.keep_metadata(self.temporary.fd()?)?,
            None => {
                let first = self.temporary.first_stat()?;
                plan.apply_metadata(self.temporary.fd()?, first)?
            }
        };
        let prepared = Prepared {
            target: self.target,
            temporary: self.temporary,
            plan,
            swapped_in_file,
            applied,
            size: self.size,
            rules: self.rules,
            inspected,
            is_staged: true,
            has_metadata: self.has_metadata,
            compared: None,
        };
        prepared.finish(scope, is_aborted, None)
    }

    /// Opens the file that has the temporary's name: the staged file, or one that was renamed onto
    /// it. Returns the latter, which then replaces the staged file.
    fn take_what_was_made(&mut self) -> Result<Option<SwappedInFile>, Error> {
        let staged = sys::fstat(self.temporary.fd()?)?;
        let directory = self.target.directory();
        let name = self.temporary.name().unwrap_or_default();
        let seen = sys::fstatat(directory.as_fd(), name).map_err(classify_staged)?;
        if seen.is_same_object(&staged) {
            // Where the user namespace does not map this user, its own file has the overflow id too.
            check_staged(
                &staged,
                self.has_metadata || metadata::effective_user().is_none(),
            )?;
            self.size = staged.size;
            return Ok(None);
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let made = sys::open_at(directory.as_fd(), name, flags).map_err(classify_staged)?;
        let stat = sys::fstat(made.as_fd())?;
        check_staged(&stat, false)?;
        // The file's maker may hold a lock on it, and the name is locked anyway.
        let _ = sys::try_lock(made.as_fd());
        let swapped_in_file = SwappedInFile::new(made.as_fd(), &stat);
        self.size = stat.size;
        self.temporary.replace_fd(made);
        Ok(Some(swapped_in_file))
    }
}

fn classify_staged(os: Os) -> Error {
    match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "staged", os),
        sys::ELOOP => Error::refused_by(Code::Symlink, "staged", os),
        sys::ENXIO => Error::refused_by(Code::NotFile, "staged", os),
        _ => os.into(),
    }
}

/// Refuses anything but a regular file with one name, of this user unless it `may_be_given` to
/// another one.
fn check_staged(stat: &Stat, may_be_given: bool) -> Result<(), Error> {
    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, "staged"));
    }
    if stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, "staged"));
    }
    if !may_be_given && !metadata::is_own(stat.uid) {
        return Err(Refusal {
            uid: Some(stat.uid),
            euid: metadata::effective_user(),
            ..Refusal::new(Code::NotOwned, "staged")
        }
        .into());
    }
    Ok(())
}
