//! The target of a write: a directory by descriptor, and a name in it.

mod sync;
mod verify;

use super::apply_metadata::OldFile;
use super::parent::{ParentRules, classify_parent, open_parent};
use super::rules::{Durable, FinalSymlink, Rules};
use crate::error::{Code, Error, Os};
use crate::metadata::Acl;
use crate::metadata::locality;
use crate::path;
use crate::resolve::{Last, Naming, Parent, Policy, Scope, classify, link_policy};
use crate::sys::{self, AsFd, OwnedFd, Stat};
use std::sync::Arc;
use std::time::Instant;
pub(in crate::ops) use verify::check_held;

/// A name in a directory that is held open, and what a write knows of the directory.
#[derive(Debug)]
pub(crate) struct WriteTarget {
    parent: Parent,
    /// The directory's real path, for results and messages.
    dir_path: Vec<u8>,
    /// Whether the path as given is the real one.
    is_as_given: bool,
    can_sync: bool,
    links: u32,
    /// The caller holds the directory, and no path leads to it.
    is_held_by_caller: bool,
    /// A point in time before the parent was looked up, and made.
    began: Instant,
}

/// What has the name.
enum NameState {
    Nothing,
    /// A symlink that the file replaces.
    Replaceable,
    File(OldFile),
    /// A symlink to follow.
    Link,
}

impl WriteTarget {
    /// Opens the parent directory, and creates it where the rules say so.
    pub(crate) fn find(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Self, Error> {
        let located = scope.locate(raw)?;
        if located.names_directory {
            return Err(judge_bare(scope, &located.text, rules));
        }
        let mut target = Self::open(scope, &located.text, rules)?;
        target.is_as_given &= scope.root.is_none() && path::is_normal(raw);
        Ok(target)
    }

    /// Takes a name in a directory that the caller holds, and syncs itself.
    pub(crate) fn in_directory(dir: Arc<OwnedFd>, name: &[u8]) -> Self {
        Self {
            parent: Parent::in_directory(dir, name),
            dir_path: Vec::new(),
            is_as_given: true,
            can_sync: false,
            links: 0,
            is_held_by_caller: true,
            began: Instant::now(),
        }
    }

    fn open(scope: &Scope<'_>, text: &[u8], rules: &Rules) -> Result<Self, Error> {
        let began = Instant::now();
        let parent_rules = ParentRules {
            wants_sync: rules.durable == Durable::Full,
            make_parents: rules.make_parents,
        };
        let mut can_sync = true;
        let parent = Parent::open(scope, text, Naming::Changes, |parent| {
            let found;
            (found, can_sync) = open_parent(scope, parent, parent_rules)?;
            Ok(found)
        })?;
        let parent = parent.ok_or_else(|| judge_unnamed(scope, text))?;
        Ok(Self {
            dir_path: parent.real_path(scope),
            is_as_given: parent.is_exact(),
            parent,
            can_sync,
            links: 0,
            is_held_by_caller: false,
            began,
        })
    }

    /// Inspects what has the name, and follows a symlink where the rules allow it.
    pub(crate) fn inspect(
        &mut self,
        scope: &Scope<'_>,
        rules: &Rules,
    ) -> Result<Option<OldFile>, Error> {
        loop {
            match self.inspect_name(rules)? {
                NameState::Nothing | NameState::Replaceable => return Ok(None),
                NameState::File(old_file) => return Ok(Some(old_file)),
                NameState::Link => self.follow(scope, rules)?,
            }
        }
    }

    /// Re-checks the target when the content is complete. A symlink found now was planted after the
    /// first check and is never followed.
    pub(crate) fn recheck(
        &mut self,
        scope: &Scope<'_>,
        rules: &Rules,
    ) -> Result<Option<OldFile>, Error> {
        let here = Rules {
            final_symlink: match rules.final_symlink {
                FinalSymlink::Follow => FinalSymlink::Reject,
                other => other,
            },
            ..*rules
        };
        self.inspect(scope, &here)
    }

    fn inspect_name(&self, rules: &Rules) -> Result<NameState, Error> {
        // With a mode given, only the old file's owner is kept: one call reads it. Otherwise a held
        // descriptor makes mode and ACL those of one file. A durable write also needs the mount
        // (`Purpose::Replacement`).
        let wants_mount = rules.overwrite && rules.durable != Durable::No;
        let (path_fd, seen) = if rules.mode.is_some() || !rules.overwrite {
            let dir = self.parent.as_fd();
            let seen = if wants_mount {
                sys::statx_at(dir, self.name())
            } else {
                sys::fstatat(dir, self.name())
            };
            (None, seen)
        } else {
            match sys::open_path_only(self.parent.as_fd(), self.name(), wants_mount) {
                Ok((fd, stat)) => (fd, Ok(stat)),
                Err(os) => (None, Err(os)),
            }
        };
        let stat = match seen {
            Ok(stat) => stat,
            Err(os) if os.errno == sys::ENOENT => return Ok(NameState::Nothing),
            Err(os) => {
                return Err(Os {
                    syscall: "open",
                    ..os
                }
                .into());
            }
        };
        if !rules.overwrite {
            return Err(Error::refused(Code::AlreadyExists, stat.kind_word()));
        }
        if stat.is_symlink() {
            return match rules.final_symlink {
                FinalSymlink::Reject => Err(Error::refused(Code::Symlink, "final")),
                FinalSymlink::Replace => Ok(NameState::Replaceable),
                FinalSymlink::Follow => Ok(NameState::Link),
            };
        }
        if !stat.is_file() {
            return Err(Error::refused(Code::NotFile, stat.kind_word()));
        }
        if rules.reject_hardlinks && stat.nlink > 1 {
            return Err(Error::refused(Code::Hardlink, ""));
        }
        // Also read where the mode masks it entirely: it is kept, or reported as lost.
        let acl = match path_fd {
            _ if rules.mode.is_some() => None,
            Some(fd) => {
                let name = (self.parent.as_fd(), self.name());
                Acl::read(sys::get_acl_of_path_fd(fd.as_fd(), Some(name)))?
            }
            None => Some(Acl::unknown()),
        };
        Ok(NameState::File(OldFile { stat, acl }))
    }

    /// Follows a symlink as the scope's policy allows. Owner and target are read from one and the
    /// same symlink, whatever has its name by then.
    fn follow(&mut self, scope: &Scope<'_>, rules: &Rules) -> Result<(), Error> {
        let links = self.links + 1;
        if scope.policy == Policy::Reject || links > link_policy::MAX_LINKS {
            return Err(Error::refused(Code::Symlink, "link"));
        }
        let link = match sys::read_link(self.parent.as_fd(), self.name()) {
            Ok(link) => link,
            Err(os) if os.errno == sys::ENOENT => {
                self.links = links;
                return Ok(());
            }
            Err(os) if os.errno == sys::EAGAIN => {
                return Err(Error::refused_by(Code::PathMismatch, "retries", os));
            }
            Err(os) => return Err(os.into()),
        };
        let Some(link_target) = link.target else {
            // No longer a symlink: the next inspection finds what it is.
            self.links = links;
            return Ok(());
        };
        let dir = self.parent.as_fd();
        // Lets the next write through a symlink here find the target without blocking.
        locality::probe(dir);
        let link_target =
            link_policy::allowed_target(scope.policy, &link.stat, link_target, dir, true)
                .map_err(classify)?;
        if scope.root.is_some() && link_target.starts_with(b"/") {
            return Err(Error::refused(Code::OutsideWorkspace, "link"));
        }
        // Resolved from the start: only from the root can a resolver keep `..` of a link beneath it.
        let parent = self.parent.text();
        let text = if parent.is_empty() {
            link_target
        } else {
            path::join(parent, &link_target).into_owned()
        };
        let (text, names_directory) = path::bare(&text);
        if names_directory {
            return Err(Error::refused(Code::NotFile, "link-to-slash"));
        }
        *self = Self {
            is_as_given: false,
            links,
            ..Self::open(scope, text, rules)?
        };
        Ok(())
    }

    /// Returns the stat of what has the name, without following a symlink.
    pub(crate) fn stat(&self) -> Result<Option<Stat>, Os> {
        match sys::fstatat(self.parent.as_fd(), self.name()) {
            Ok(stat) => Ok(Some(stat)),
            Err(os) if os.errno == sys::ENOENT => Ok(None),
            Err(os) => Err(os),
        }
    }

    pub(crate) fn directory(&self) -> Arc<OwnedFd> {
        self.parent.directory()
    }

    /// Returns a point in time before the directory was opened.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Returns whether the descriptor of the directory can be synced.
    pub(crate) fn can_sync(&self) -> bool {
        self.can_sync
    }

    /// Returns device and inode of the directory.
    pub(crate) fn identity(&self) -> Result<(u64, u64), Os> {
        let stat = sys::fstat(self.parent.as_fd())?;
        Ok((stat.dev, stat.ino))
    }

    pub(crate) fn name(&self) -> &[u8] {
        self.parent.name()
    }

    /// Returns the directory's real path.
    pub(crate) fn directory_path(&self) -> &[u8] {
        &self.dir_path
    }

    /// Returns the full path of a name in this directory.
    pub(crate) fn full_path(&self, name: &[u8]) -> Vec<u8> {
        path::join(&self.dir_path, name).into_owned()
    }

    /// Returns the real path; `None` when it equals the path as given.
    pub(crate) fn real_path(&self) -> Option<Vec<u8>> {
        (!self.is_as_given).then(|| self.full_path(self.name()))
    }

    pub(crate) fn into_real_path(self) -> Option<Vec<u8>> {
        (!self.is_as_given).then(|| self.full_path(self.name()))
    }
}

/// Returns the error for a path without a final name: `..` at its end, or the root itself. The
/// error depends on what the path leads to.
fn judge_unnamed(scope: &Scope<'_>, text: &[u8]) -> Error {
    match scope.stat(text, Last::Follow) {
        Err(error) => classify_parent(error),
        Ok(stat) => match scope.refuse_removed_root(&stat, "open") {
            Err(error) => error,
            Ok(()) => Error::refused(Code::NotFile, "directory"),
        },
    }
}

/// Returns the error for a name that ends in `/` or `/.`, which can only name a directory.
fn judge_bare(scope: &Scope<'_>, text: &[u8], rules: &Rules) -> Error {
    match scope.stat(text, Last::Keep) {
        Err(error)
            if error.errno() == Some(sys::ENOENT)
                && !scope.root.is_some_and(|root| root.is_gone()) =>
        {
            Error::refused(Code::NotFile, "slash")
        }
        Err(error) => classify_parent(error),
        Ok(stat) if stat.is_symlink() && rules.final_symlink == FinalSymlink::Reject => {
            Error::refused(Code::Symlink, "link")
        }
        Ok(stat) if stat.is_file() => Error::refused(Code::NotDirectory, "file"),
        Ok(stat) => match scope.refuse_removed_root(&stat, "open") {
            Err(error) => error,
            Ok(()) => Error::refused(Code::NotFile, stat.kind_word()),
        },
    }
}
