//! A file from its first byte to its name.

use super::fsync_errors::{self, Mark};
use super::placed::Placed;
use super::settle::{Plan, Settled, Target};
use super::{
    Durable, IsAborted, Place, Rules, Written, create_temporary, in_place, purpose, write_all,
};
use crate::error::{Code, Error, Os};
use crate::make_dirs;
use crate::metadata;
use crate::resolve::Scope;
use crate::sys::{self, AsFd};
use crate::temporary::{Method, Temporary, is_refused_link};
use std::time::{Duration, Instant};

/// Age from which on what was found out about the target is found out again before publication. A
/// younger result costs no call; what others change in this time may be undone.
const STALE_AFTER: Duration = Duration::from_millis(100);

/// A file with its owner, mode and content, not yet under its final name.
pub(super) struct Prepared {
    pub(super) place: Place,
    pub(super) temporary: Temporary,
    pub(super) plan: Plan,
    pub(super) placed: Option<Placed>,
    pub(super) settled: Settled,
    pub(super) size: u64,
    pub(super) rules: Rules,
    /// When the target was last looked at.
    pub(super) looked: Instant,
    /// Identity and place are verified whatever the age: it took long before it was prepared.
    pub(super) is_staged: bool,
}

impl Prepared {
    pub(super) fn new(
        scope: &Scope<'_>,
        raw: &[u8],
        data: &[u8],
        rules: &Rules,
    ) -> Result<Self, Error> {
        let looked = Instant::now();
        let mut place = Place::find(scope, raw, rules)?;
        let target = place.look(scope, rules)?;
        let purpose = purpose(rules, target.as_ref());
        let plan = Plan::new(rules, target);
        let mut temporary = create_temporary(&place, plan.first_mode(), purpose)?;
        if rules.in_place {
            temporary.stay_open();
        }
        let first = temporary.first_status()?;
        let settled = plan.settle(temporary.fd()?, first)?;
        write_all(&temporary, data)?;
        Ok(Self {
            place,
            temporary,
            plan,
            placed: None,
            settled,
            size: data.len() as u64,
            rules: *rules,
            looked,
            is_staged: false,
        })
    }

    /// Has the system begin to write back what a later [`Self::sync`] will wait for.
    pub(super) fn start_sync(&self) {
        if let (true, Ok(fd)) = (self.rules.durable != Durable::No, self.temporary.fd()) {
            sys::start_sync(fd);
        }
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        if self.rules.durable != Durable::No {
            fsync_errors::sync_file(self.temporary.fd()?)?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Error> {
        Ok(self.temporary.close_if_named()?)
    }

    /// Syncs, publishes, and syncs the directory.
    pub(super) fn finish(
        mut self,
        scope: &Scope<'_>,
        is_aborted: IsAborted<'_>,
    ) -> Result<Written, Error> {
        self.sync()?;
        self.look_again(scope)?;
        self.close()?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        let published = self.publish(scope, fsync_errors::mark())?;
        let durable = published.sync_directory()?;
        Ok(published.into_written(durable))
    }

    /// Verifies, before publication, what was found out too long ago: that the directory is still
    /// beneath the root, and what has the target's name.
    ///
    /// # Errors
    ///
    /// [`Code::PathMismatch`]; those of [`super::write`] for what has the name now.
    pub(super) fn look_again(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        let is_stale = self.looked.elapsed() >= STALE_AFTER;
        if is_stale || self.is_staged {
            self.place.check_parent(scope)?;
        }
        // With a mode given, nothing of the target's permissions is kept.
        if is_stale && (self.is_staged || self.rules.mode.is_none()) {
            self.settle_again(scope)?;
        }
        // One without a name gets it in the last moment, whatever time it took.
        self.is_staged |= is_stale && self.temporary.name().is_some();
        Ok(())
    }

    /// Looks at the target again, and applies what has changed about it since.
    fn settle_again(&mut self, scope: &Scope<'_>) -> Result<(), Error> {
        self.looked = Instant::now();
        let target = self.place.look_again(scope, &self.rules)?;
        if target.as_ref().map(Target::version) == self.plan.target().map(Target::version) {
            return Ok(());
        }
        self.plan = Plan::new(&self.rules, target);
        let was_closed = self.temporary.fd().is_err();
        if was_closed && !self.temporary.reopen(&self.settled.stat)? {
            return Err(self.was_exchanged());
        }
        self.settled = self.settle()?;
        self.sync()?;
        if was_closed {
            self.temporary.close()?;
        }
        Ok(())
    }

    fn settle(&self) -> Result<Settled, Error> {
        let fd = self.temporary.fd()?;
        match &self.placed {
            Some(placed) => placed.settle(&self.plan, fd),
            None => {
                let mut stat = sys::fstat(fd)?;
                if !metadata::is_own(stat.uid) {
                    // It was given away: mode and ACL are its owner's to change.
                    let _ = sys::change_owner(fd, Some(sys::effective_user()), None);
                    stat = sys::fstat(fd)?;
                }
                self.plan.settle(fd, stat)
            }
        }
    }

    /// Gives the file its name. `began` is a moment before that.
    pub(super) fn publish(mut self, scope: &Scope<'_>, began: Mark) -> Result<Published, Error> {
        if self.is_staged && !self.has_own_name()? {
            return Err(self.was_exchanged());
        }
        let result = if self.rules.overwrite {
            self.publish_over(scope)?
        } else {
            self.temporary.publish_new(self.place.name())
        };
        let method = match result {
            Ok(method) => method,
            Err(os) if os.errno == sys::EBUSY && self.rules.in_place => {
                return in_place::publish(self, began);
            }
            Err(os) if is_refused_link(os) && self.temporary.name().is_none() => {
                self.copy_to_named()?;
                return self.publish(scope, began);
            }
            Err(os) => return Err(self.classify_publication(os)),
        };
        if self.is_staged && method == Method::Rename {
            self.verify_published()?;
        }
        // One that had no name is still open. It is published, so a failure cannot undo that. One
        // that was linked and has a name of its own loses that before the directory is synced.
        self.temporary
            .end()
            .map_err(|os| Error::refused_by(Code::NotDurable, "", os))?;
        Ok(Published {
            place: self.place,
            settled: self.settled,
            size: self.size,
            method,
            durable: self.rules.durable,
            began,
        })
    }

    /// The outer error is one of what has come under the target's name.
    fn publish_over(&mut self, scope: &Scope<'_>) -> Result<Result<Method, Os>, Error> {
        let seems_free = self.settled.preserved.is_none();
        let result = self.temporary.publish_over(self.place.name(), seems_free);
        if seems_free && result.is_err_and(|os| os.errno == sys::EEXIST) {
            self.settle_again(scope)?;
            return Ok(self.temporary.publish_over(self.place.name(), false));
        }
        Ok(result)
    }

    /// Replaces a temporary without a name, which was refused one, by a copy that has a name.
    fn copy_to_named(&mut self) -> Result<(), Error> {
        let purpose = crate::temporary::Purpose::Named;
        let mut named = if self.is_staged {
            super::create_locked_temporary(&self.place, self.plan.first_mode(), purpose)?
        } else {
            create_temporary(&self.place, self.plan.first_mode(), purpose)?
        };
        if self.rules.in_place {
            named.stay_open();
        }
        let first = named.first_status()?;
        let settled = self.plan.settle(named.fd()?, first)?;
        in_place::copy(self.temporary.fd()?, named.fd()?)?;
        self.temporary = named;
        self.settled = settled;
        self.sync()?;
        self.close()
    }

    /// A name that is gone is told by the rename.
    fn has_own_name(&self) -> Result<bool, Error> {
        match self.temporary.has_own_name(&self.settled.stat) {
            Err(os) if os.errno == sys::ENOENT => Ok(true),
            answer => Ok(answer?),
        }
    }

    fn was_exchanged(&self) -> Error {
        let detail = if self.placed.is_some() || self.is_staged {
            "staged"
        } else {
            "temporary"
        };
        Error::refused(Code::PathMismatch, detail)
    }

    /// Verifies that the rename published this file.
    ///
    /// Another file under the name was renamed in its place, or has replaced it since. Only in a
    /// directory that another user may write can the two not be told apart.
    fn verify_published(&self) -> Result<(), Error> {
        let directory = self.place.directory();
        match sys::fstatat(directory.as_fd(), self.place.name()) {
            Ok(seen) if seen.is_same_object(&self.settled.stat) => return Ok(()),
            Ok(_) => {}
            Err(os) if os.errno == sys::ENOENT => {}
            // It says nothing about the file, which is published.
            Err(_) => return Ok(()),
        }
        let is_gone = self
            .temporary
            .held()
            .is_none_or(|fd| sys::fstat(fd).is_ok_and(|stat| stat.nlink == 0));
        if is_gone && !metadata::others_may_rename_in(&sys::fstat(directory.as_fd())?) {
            return Ok(());
        }
        Err(Error::refused(Code::PathMismatch, "published"))
    }

    fn classify_publication(&self, os: Os) -> Error {
        match os.errno {
            sys::EEXIST => Error::refused_by(Code::AlreadyExists, "", os),
            // A directory came there since the look.
            sys::EISDIR | sys::ENOTEMPTY | sys::ENOTDIR => {
                Error::refused_by(Code::NotFile, "directory", os)
            }
            sys::ENOENT => make_dirs::without_name(self.place.directory().as_fd(), os, "temporary"),
            _ => Error::System {
                os,
                // Without a name of its own it is known by the directory it lies in.
                temporary: Some(match self.temporary.name() {
                    Some(name) => self.place.full_path(name),
                    None => self.place.directory_path().to_vec(),
                }),
            },
        }
    }
}

/// A file that has its name.
pub(super) struct Published {
    pub(super) place: Place,
    pub(super) settled: Settled,
    pub(super) size: u64,
    pub(super) method: Method,
    pub(super) durable: Durable,
    /// A moment before it was published.
    pub(super) began: Mark,
}

impl Published {
    pub(super) fn sync_directory(&self) -> Result<Durable, Error> {
        if self.durable != Durable::Full {
            return Ok(self.durable);
        }
        let durable = self.place.sync()?;
        self.confirm(durable)
    }

    /// What the success of a sync of the directory means for this file.
    ///
    /// # Errors
    ///
    /// [`Code::NotDurable`]: another sync on the file system has failed since it was published.
    pub(super) fn confirm(&self, synced: Durable) -> Result<Durable, Error> {
        let directory = self.place.directory();
        let is_promised = synced == Durable::Full;
        if is_promised && fsync_errors::has_failed_since(self.began, directory.as_fd()) {
            return Err(self.place.in_doubt());
        }
        Ok(synced)
    }

    pub(super) fn into_written(self, durable: Durable) -> Written {
        let Settled { stat, preserved } = self.settled;
        Written {
            real: self.place.into_real_path(),
            created: preserved.is_none(),
            size: self.size,
            mode: stat.permissions(),
            dev: stat.dev,
            ino: stat.ino,
            method: self.method,
            durable,
            preserved,
        }
    }
}
