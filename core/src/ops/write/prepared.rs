//! A file from its first byte to its publication.

use super::apply_metadata::{Applied, OldFile, Plan};
use super::compared::{Compared, had_name};
use super::fill_temporary::{create_locked_temporary, create_temporary, purpose, write_all};
use super::fsync_errors::{self, Mark};
use super::in_place;
use super::named::{Check, Named};
use super::published::Published;
use super::rules::{Durable, IsAborted, Rules, Written};
use super::swapped_in_file::SwappedInFile;
use super::target::WriteTarget;
use crate::error::{Code, Error, Os};
use crate::make_dirs;
use crate::metadata;
use crate::resolve::{STALE_AFTER, Scope};
use crate::sys::{self, AsFd};
use crate::temporary::{Attempt, Method, Temporary};
use std::time::Instant;

/// A file with its owner, mode and content, not yet under its final name.
pub(super) struct Prepared {
    pub(super) target: WriteTarget,
    pub(super) temporary: Temporary,
    pub(super) plan: Plan,
    pub(super) swapped_in_file: Option<SwappedInFile>,
    pub(super) applied: Applied,
    pub(super) size: u64,
    pub(super) rules: Rules,
    /// A point in time before the last inspection of the target, and before its directory was opened.
    pub(super) inspected: Instant,
    /// Identity and location are verified whatever the age: the preparation took long.
    pub(super) is_staged: bool,
    /// The metadata were applied before others worked on the file, and stay as they are.
    pub(super) has_metadata: bool,
    /// The file that is replaced, where that was compared right before.
    pub(super) compared: Option<Compared>,
}

impl Prepared {
    pub(super) fn new(
        scope: &Scope<'_>,
        raw: &[u8],
        data: &[u8],
        rules: &Rules,
    ) -> Result<Self, Error> {
        let target = WriteTarget::find(scope, raw, rules)?;
        Self::filled(scope, target, rules, |temporary| {
            write_all(temporary, data)?;
            Ok(data.len() as u64)
        })
    }

    /// Prepares a file whose content `fill` writes. It returns the number of bytes.
    pub(super) fn filled(
        scope: &Scope<'_>,
        mut target: WriteTarget,
        rules: &Rules,
        fill: impl FnOnce(&Temporary) -> Result<u64, Error>,
    ) -> Result<Self, Error> {
        let old_file = target.inspect(scope, rules)?;
        let purpose = purpose(rules, old_file.as_ref());
        let plan = Plan::new(rules, old_file);
        let mut temporary = create_temporary(&target, plan.first_mode(), purpose)?;
        if rules.in_place {
            temporary.stay_open();
        }
        let first = temporary.first_stat()?;
        let applied = plan.apply_metadata(temporary.fd()?, first)?;
        let size = fill(&temporary)?;
        Ok(Self {
            inspected: target.began(),
            target,
            temporary,
            plan,
            swapped_in_file: None,
            applied,
            size,
            rules: *rules,
            is_staged: false,
            has_metadata: false,
            compared: None,
        })
    }

    /// Starts the write-back that a later [`Self::sync`] waits for.
    pub(super) fn start_sync(&self) {
        if let (true, Ok(fd)) = (self.rules.durable != Durable::No, self.temporary.fd()) {
            sys::start_sync(fd);
        }
    }

    pub(super) fn sync(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        if self.rules.durable != Durable::No {
            if let Err(os) = self.temporary.name_before_sync() {
                return Err(self.classify_naming(scope, os));
            }
            fsync_errors::sync_file(self.temporary.fd()?)?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Error> {
        if self.is_staged || self.inspected.elapsed() >= STALE_AFTER {
            // For `had_name`.
            self.temporary.stay_open();
        }
        Ok(self.temporary.close_if_named()?)
    }

    /// Syncs the file, publishes it, and syncs the directory. `check` gets the stat of what has the
    /// name right before that.
    pub(super) fn finish(
        mut self,
        scope: &Scope<'_>,
        is_aborted: IsAborted<'_>,
        check: Option<Check<'_>>,
    ) -> Result<Written, Error> {
        self.sync(scope)?;
        self.recheck(scope)?;
        if let (true, Durable::No, Ok(fd)) =
            (check.is_some(), self.rules.durable, self.temporary.fd())
        {
            // ext4 and btrfs write a file back that replaces another one, and not one that is exchanged.
            sys::start_sync(fd);
        }
        self.close()?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        if let Some(check) = check {
            let old_file = self.lock_old_file(is_aborted)?;
            let named = Named::new(&self.target)?;
            check(&named)?;
            self.compared = named.stat().map(|&stat| Compared::new(stat, old_file));
        }
        let published = self.publish(scope, fsync_errors::mark())?;
        let durable = published.sync_directory()?;
        Ok(published.into_written(durable))
    }

    /// Re-checks stale facts before publication: that the directory is still beneath the root, and
    /// which file has the target's name.
    ///
    /// # Errors
    ///
    /// [`Code::PathMismatch`]; those of [`super::write`] for the file that has the name now.
    pub(super) fn recheck(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        let is_stale = self.inspected.elapsed() >= STALE_AFTER;
        if is_stale || self.is_staged {
            self.target.check_parent(scope)?;
        }
        // With a mode given, the target's permissions are not kept.
        if is_stale && (self.is_staged || self.rules.mode.is_none()) {
            self.reapply_metadata(scope)?;
        }
        // An unnamed temporary gets its name at publication, however long the write took.
        self.is_staged |= is_stale && self.temporary.name().is_some();
        Ok(())
    }

    /// Inspects the target again, and applies its changed metadata.
    fn reapply_metadata(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        self.inspected = Instant::now();
        let old_file = self.target.recheck(scope, &self.rules)?;
        if old_file.as_ref().map(OldFile::version) == self.plan.old_file().map(OldFile::version) {
            return Ok(());
        }
        self.plan = Plan::new(&self.rules, old_file);
        if self.has_metadata && self.swapped_in_file.is_none() {
            return Ok(());
        }
        let was_closed = self.temporary.fd().is_err();
        if was_closed && !self.temporary.reopen(&self.applied.stat)? {
            return Err(self.was_exchanged());
        }
        self.applied = self.apply_metadata()?;
        self.sync(scope)?;
        if was_closed {
            self.temporary.close()?;
        }
        Ok(())
    }

    fn apply_metadata(&self) -> Result<Applied, Error> {
        let fd = self.temporary.fd()?;
        match &self.swapped_in_file {
            Some(swapped_in_file) => swapped_in_file.apply_metadata(&self.plan, fd),
            None => {
                let mut stat = sys::fstat(fd)?;
                if !metadata::is_own(stat.uid) {
                    // The file was given to another owner, who alone may change mode and ACL.
                    let _ = sys::change_owner(fd, Some(sys::effective_user()), None);
                    stat = sys::fstat(fd)?;
                }
                self.plan.apply_metadata(fd, stat)
            }
        }
    }

    /// Publishes the file. `began` is a point in time before the call.
    pub(super) fn publish(mut self, scope: &Scope<'_>, began: Mark) -> Result<Published, Error> {
        if self.is_staged && !self.has_own_name()? {
            return Err(self.was_exchanged());
        }
        let compared = self.compared.take();
        let exchanged = match &compared {
            Some(compared) => self.publish_exchanged(compared)?,
            None => None,
        };
        self.compared = compared;
        let result = if let Some(result) = exchanged {
            result
        } else if self.rules.overwrite {
            self.publish_over(scope)?
        } else {
            self.temporary.publish_new(self.target.name())
        };
        let method = match result {
            Ok(Attempt::Published(method)) => method,
            Ok(Attempt::NeedsNamedCopy) => {
                self.copy_to_named(scope)?;
                return self.publish(scope, began);
            }
            Err(os) if os.errno == sys::EBUSY && self.rules.in_place => {
                return in_place::publish(
                    self.target,
                    self.temporary,
                    &self.plan,
                    self.swapped_in_file.as_ref(),
                    self.size,
                    &self.rules,
                    began,
                );
            }
            Err(os) => return Err(self.classify_publication(os)),
        };
        if self.is_staged && method == Method::Rename && !self.was_published()? {
            self.copy_to_named(scope)?;
            return self.publish(scope, began);
        }
        // An unnamed file is still open. It is published, so a failure cannot undo that. A linked
        // file with a temporary name loses that name before the directory is synced.
        self.temporary
            .end()
            .map_err(|os| Error::refused_by(Code::NotDurable, "", os))?;
        Ok(Published {
            target: self.target,
            applied: self.applied,
            size: self.size,
            method,
            durable: self.rules.durable,
            began,
        })
    }

    /// Publishes over the target. The outer error is that of a file that appeared under the
    /// target's name.
    fn publish_over(&mut self, scope: &Scope<'_>) -> Result<Result<Attempt, Os>, Error> {
        let seems_free = self.applied.preserved.is_none();
        let result = self.temporary.publish_over(self.target.name(), seems_free);
        if seems_free && result.is_err_and(|os| os.errno == sys::EEXIST) {
            self.reapply_metadata(scope)?;
            return Ok(self.temporary.publish_over(self.target.name(), false));
        }
        Ok(result)
    }

    /// Replaces an unnamed temporary that could not be linked by a named copy.
    fn copy_to_named(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        let purpose = crate::temporary::Purpose::Named;
        let mut named = if self.is_staged {
            create_locked_temporary(&self.target, self.plan.first_mode(), purpose)?
        } else {
            create_temporary(&self.target, self.plan.first_mode(), purpose)?
        };
        if self.rules.in_place {
            named.stay_open();
        }
        let first = named.first_stat()?;
        let applied = self.plan.apply_metadata(named.fd()?, first)?;
        in_place::copy(self.temporary.content()?, named.fd()?)?;
        self.temporary = named;
        self.applied = applied;
        self.sync(scope)?;
        self.close()
    }

    /// Returns whether the temporary's name still refers to it. A missing name is reported by the
    /// rename.
    fn has_own_name(&self) -> Result<bool, Error> {
        match self.temporary.has_own_name(&self.applied.stat) {
            Err(os) if os.errno == sys::ENOENT => Ok(true),
            result => Ok(result?),
        }
    }

    fn was_exchanged(&self) -> Error {
        let detail = if self.swapped_in_file.is_some() || self.is_staged {
            "staged"
        } else {
            "temporary"
        };
        Error::refused(Code::PathMismatch, detail)
    }

    /// Verifies that the rename published this file.
    ///
    /// If the target shows another one, that was renamed in its place, or has replaced it since. In a
    /// directory that another user may write, the kernel's path of the file tells which. It does not for
    /// a file that was created without a name: returns false, and a copy has to be published.
    fn was_published(&self) -> Result<bool, Error> {
        let directory = self.target.directory();
        match sys::fstatat(directory.as_fd(), self.target.name()) {
            Ok(seen) if seen.is_same_object(&self.applied.stat) => return Ok(true),
            Ok(_) => {}
            Err(os) if os.errno == sys::ENOENT => {}
            // The error concerns the stat, not the file, which is published.
            Err(_) => return Ok(true),
        }
        let fd = self.temporary.any_fd();
        if fd.is_none_or(|fd| sys::fstat(fd).is_ok_and(|stat| stat.nlink == 0)) {
            if !metadata::others_may_rename_in(&sys::fstat(directory.as_fd())?) {
                return Ok(true);
            }
            if fd.is_some() && self.temporary.began_without_name() {
                return Ok(false);
            }
            // The file was under the name, and was then replaced or removed.
            if fd.is_some_and(|fd| had_name(fd, directory.as_fd(), self.target.name())) {
                return Ok(true);
            }
        }
        Err(Error::refused(Code::PathMismatch, "published"))
    }

    /// Returns the error of a temporary that gets its name. ENOENT: its directory was removed.
    fn classify_naming(&mut self, scope: &Scope<'_>, os: Os) -> Error {
        if os.errno != sys::ENOENT {
            return os.into();
        }
        match self.target.check_parent(scope) {
            Err(error) => error,
            Ok(()) => self.temporary_is_gone(os),
        }
    }

    /// Returns the error for a temporary that another program removed or renamed, or whose directory
    /// was removed. The target itself may exist: it is not [`Code::NotFound`].
    fn temporary_is_gone(&self, os: Os) -> Error {
        const GONE: &str = "temporary-gone";
        match make_dirs::without_name(self.target.directory().as_fd(), os, GONE) {
            Error::Refused(refusal) if refusal.detail == GONE => {
                Error::refused_by(Code::PathMismatch, GONE, os)
            }
            removed => removed,
        }
    }

    fn classify_publication(&self, os: Os) -> Error {
        let directory = self.target.directory_path();
        match os.errno {
            sys::EEXIST => Error::refused_by(Code::AlreadyExists, "", os),
            // A directory appeared under the name after the inspection.
            sys::EISDIR | sys::ENOTEMPTY | sys::ENOTDIR => {
                Error::refused_by(Code::NotFile, "directory", os)
            }
            sys::ENOENT => self.temporary_is_gone(os),
            _ => Error::System {
                os,
                // Without a name of its own, the message shows the directory it lies in. In a tree
                // the caller alone knows the path of the directory.
                temporary: Some(match self.temporary.name() {
                    Some(name) if !directory.is_empty() => self.target.full_path(name),
                    _ => directory.to_vec(),
                }),
            },
        }
    }
}
