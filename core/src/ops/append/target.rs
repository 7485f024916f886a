//! Where records are appended: a directory, a lock file and the file itself, all held open.
//!
//! None of them is kept for the next append: a directory that is exchanged, a log that is removed and a
//! file system that is unmounted need no care then.

use super::rules::AppendRules;
use crate::error::{Code, Error, Os};
use crate::make_dirs;
use crate::ops::lock::Lock;
use crate::ops::write::apply_metadata::{first_mode, make_exact};
use crate::ops::write::{Durable, FinalSymlink, Rules, WriteTarget};
use crate::resolve::Scope;
use crate::sys::{self, AsFd, OFlag, OwnedFd, Stat};
use std::sync::Arc;

/// Tries before a file that keeps being replaced is an error.
const TRIES: u32 = 16;

type Identity = (u64, u64);

#[derive(Debug)]
pub(super) struct AppendTarget {
    pub(super) lock: Lock,
    target: WriteTarget,
    file: Option<OpenFile>,
    /// Directories may have been made, and could not be synced.
    is_below_unsynced: bool,
}

/// A file that is open for appending.
#[derive(Debug)]
struct OpenFile {
    fd: Arc<OwnedFd>,
    identity: Identity,
}

/// The file that has the name.
pub(super) struct Ready {
    pub(super) fd: Arc<OwnedFd>,
    pub(super) size: u64,
    pub(super) created: bool,
}

impl AppendTarget {
    /// Opens directory and lock file.
    pub(super) fn open(
        scope: &Scope<'_>,
        raw: &[u8],
        rules: &AppendRules<'_>,
    ) -> Result<Self, Error> {
        let is_synced = rules.is_durable && rules.lock.make_parents.is_some();
        let target = WriteTarget::find(
            scope,
            raw,
            &Rules {
                mode: None,
                new_file_mode: 0,
                overwrite: true,
                final_symlink: FinalSymlink::Reject,
                durable: if is_synced {
                    Durable::Full
                } else {
                    Durable::No
                },
                make_parents: rules.lock.make_parents,
                reject_hardlinks: false,
                in_place: false,
            },
        )?;
        // A refused append leaves no new lock file.
        let lock = Lock::beside(&target, &rules.lock, &|| match target.stat()? {
            Some(stat) => check(&stat, rules),
            None => Ok(()),
        })?;
        Ok(Self {
            lock,
            is_below_unsynced: is_synced && !target.can_sync(),
            target,
            file: None,
        })
    }

    /// Returns the file that has the name.
    pub(super) fn open_file(&mut self, rules: &AppendRules<'_>) -> Result<Ready, Error> {
        let mut created = false;
        for _ in 0..TRIES {
            let Some(named) = self.target.stat()? else {
                created |= self.create(rules)?;
                continue;
            };
            check(&named, rules)?;
            if !self.is_file(&named) && !self.reopen(rules)? {
                continue;
            }
            match &self.file {
                Some(file) if file.identity == (named.dev, named.ino) => {
                    return Ok(Ready {
                        fd: Arc::clone(&file.fd),
                        size: named.size,
                        created,
                    });
                }
                // It was exchanged since it was looked at.
                _ => {}
            }
        }
        Err(Error::refused(Code::PathMismatch, "retries"))
    }

    /// Creates the file. Returns false where somebody who takes no lock created it first.
    fn create(&mut self, rules: &AppendRules<'_>) -> Result<bool, Error> {
        let dir = self.target.directory();
        let mode = rules.new_file_mode;
        match sys::create_for_appending_at(dir.as_fd(), self.target.name(), first_mode(mode)) {
            Ok(fd) => {
                let stat = sys::fstat(fd.as_fd())?;
                make_exact(fd.as_fd(), &stat, mode)?;
                self.hold(fd, &stat);
                Ok(true)
            }
            Err(os) if os.errno == sys::EEXIST => Ok(false),
            Err(os) => Err(make_dirs::classify_creation(dir.as_fd(), os)),
        }
    }

    /// Opens the file that has the name. Returns false where it was renamed or exchanged for a link
    /// since it was looked at.
    fn reopen(&mut self, rules: &AppendRules<'_>) -> Result<bool, Error> {
        self.file = None;
        let flags = OFlag::O_RDWR
            | OFlag::O_APPEND
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY;
        match sys::open_at(self.target.directory().as_fd(), self.target.name(), flags) {
            Ok(fd) => {
                let stat = sys::fstat(fd.as_fd())?;
                check(&stat, rules)?;
                self.hold(fd, &stat);
                Ok(true)
            }
            Err(os) if matches!(os.errno, sys::ENOENT | sys::ELOOP) => Ok(false),
            Err(os) => Err(os.into()),
        }
    }

    fn hold(&mut self, fd: OwnedFd, stat: &Stat) {
        self.file = Some(OpenFile {
            fd: Arc::new(fd),
            identity: (stat.dev, stat.ino),
        });
    }

    /// Returns the stat of what has the name now.
    pub(super) fn named(&self) -> Result<Option<Stat>, Os> {
        self.target.stat()
    }

    pub(super) fn is_file(&self, stat: &Stat) -> bool {
        self.file
            .as_ref()
            .is_some_and(|file| file.identity == (stat.dev, stat.ino))
    }

    pub(super) fn directory(&self) -> Arc<OwnedFd> {
        self.target.directory()
    }

    /// Returns whether directories may have been made for the file that could not be synced.
    pub(super) fn is_below_unsynced(&self) -> bool {
        self.is_below_unsynced
    }

    pub(super) fn real_path(&self) -> Option<Vec<u8>> {
        self.target.real_path()
    }
}

/// Refuses what [`crate::ops::write::write`] refuses.
fn check(stat: &Stat, rules: &AppendRules<'_>) -> Result<(), Error> {
    if stat.is_symlink() {
        return Err(Error::refused(Code::Symlink, "state-link"));
    }
    if !stat.is_file() {
        return Err(Error::refused(Code::NotFile, stat.kind_word()));
    }
    if rules.reject_hardlinks && stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, ""));
    }
    Ok(())
}
