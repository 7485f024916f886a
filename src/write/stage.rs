//! A file that is made before it is published: in pieces, or by somebody else through its path.

use super::place::Place;
use super::settle::{PRIVATE, Plan};
use super::{IsAborted, Prepared, Rules, Written, create_temporary, write_all};
use crate::error::{Code, Error, Refusal};
use crate::permission;
use crate::resolve::Scope;
use crate::sys::{self, AsFd, OFlag};
use crate::temporary::{Purpose, Temporary};

/// A file in the making, published when it is complete.
///
/// Until then the temporary is 0600, whatever the file will be; what the file replaces is looked
/// at when it is complete. Dropping it leaves the old file as it was.
#[derive(Debug)]
pub struct Stage {
    place: Place,
    temporary: Temporary,
    rules: Rules,
    size: u64,
    is_shared: bool,
}

impl Stage {
    /// Starts a file that comes in pieces.
    ///
    /// # Errors
    ///
    /// As [`super::write`]: a target that may not be replaced is refused before any content comes.
    pub fn begin(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        Self::begin_for(scope, raw, rules, Purpose::Stream)
    }

    /// Starts a file that others write, by the path of its temporary.
    ///
    /// # Errors
    ///
    /// As [`Self::begin`].
    pub fn begin_shared(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        Self::begin_for(scope, raw, rules, Purpose::Named)
    }

    fn begin_for(
        scope: &Scope<'_>,
        raw: &[u8],
        rules: &Rules,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let mut place = Place::find(scope, raw, rules)?;
        place.look(scope, rules)?;
        let temporary = create_temporary(&place, PRIVATE, purpose)?;
        if temporary.name().is_some() {
            // Shows whoever looks for what a killed process left that this one is alive. Where
            // there are no locks, its age has to do.
            let _ = sys::try_lock(temporary.fd()?);
        }
        Ok(Self {
            place,
            temporary,
            rules: *rules,
            size: 0,
            is_shared: purpose == Purpose::Named,
        })
    }

    /// Full path of the temporary, while it has a name.
    #[must_use]
    pub fn temporary_path(&self) -> Option<Vec<u8>> {
        self.temporary.name().map(|name| self.place.full_path(name))
    }

    /// Returns number, device and inode of the temporary, for another descriptor of it to be opened;
    /// -1 for the number where one leads nowhere.
    ///
    /// # Errors
    ///
    /// What the system answered.
    pub fn identity(&self) -> Result<(i32, u64, u64), Error> {
        let fd = self.temporary.fd()?;
        let stat = sys::status(fd)?;
        Ok((sys::number_to_reopen(fd)?, stat.dev, stat.ino))
    }

    /// Writes the next piece.
    ///
    /// # Errors
    ///
    /// What the system answered.
    pub fn append(&mut self, data: &[u8]) -> Result<(), Error> {
        write_all(&self.temporary, data)?;
        self.size += data.len() as u64;
        Ok(())
    }

    /// Publishes the file.
    ///
    /// # Errors
    ///
    /// As [`super::write`]. For a file that others wrote also [`Code::NotFound`],
    /// [`Code::NotFile`], [`Code::NotOwned`] and [`Code::Hardlink`], of what has the temporary's
    /// name now.
    pub fn commit(
        mut self,
        scope: &Scope<'_>,
        is_aborted: IsAborted<'_>,
    ) -> Result<Written, Error> {
        if self.is_shared {
            self.take_what_was_made()?;
        }
        let target = self.place.look_again(scope, &self.rules)?;
        let first = self.temporary.first_status()?;
        let settled = Plan::new(&self.rules, target).settle(self.temporary.fd()?, first)?;
        let prepared = Prepared {
            place: self.place,
            temporary: self.temporary,
            settled,
            size: self.size,
            rules: self.rules,
        };
        prepared.finish(is_aborted)
    }

    /// Opens what has the temporary's name: the file that was made there, or one that its maker put
    /// in its place.
    fn take_what_was_made(&mut self) -> Result<(), Error> {
        let directory = self.place.directory();
        let name = self.temporary.name().unwrap_or_default();
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let made = sys::open_at(directory.as_fd(), name, flags).map_err(|os| match os.errno {
            sys::ENOENT => Error::refused_by(Code::NotFound, "staged", os),
            sys::ELOOP => Error::refused_by(Code::Symlink, "staged", os),
            sys::ENXIO => Error::refused_by(Code::NotFile, "staged", os),
            _ => os.into(),
        })?;
        let stat = sys::status(made.as_fd())?;
        if !stat.is_file() {
            return Err(Error::refused(Code::NotFile, "staged"));
        }
        if stat.nlink > 1 {
            return Err(Error::refused(Code::Hardlink, "staged"));
        }
        if !permission::is_own(stat.uid) {
            return Err(Refusal {
                uid: Some(stat.uid),
                euid: Some(sys::effective_user()),
                ..Refusal::new(Code::NotOwned, "staged")
            }
            .into());
        }
        self.size = stat.size;
        self.temporary.replace_fd(made);
        Ok(())
    }
}
