//! The parent directory of a path, held open, and the final name in it.

use super::root::Root;
use super::scope::{Found, Located, Scope, TOO_LONG};
use crate::error::{Code, Error, Os};
use crate::path;
use crate::sys::{self, AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A name in a directory that is held open. An operation on the name is one `*at` call.
#[derive(Debug)]
pub(crate) struct Parent {
    dir: Arc<OwnedFd>,
    /// The root, when its own directory is the parent.
    root: Option<Arc<Root>>,
    /// The path as it was located.
    text: Vec<u8>,
    /// Offset of the name in the path.
    name_start: usize,
    is_exact: bool,
}

/// What a call does with the final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Makes or replaces the name, or takes it from its file. Beneath a root, the name may not be
    /// reserved ([`path::reserved`]).
    Changes,
    /// Reads what has the name, or removes it.
    Uses,
}

impl Parent {
    /// Opens the parent of a located path with `open`, which gets the path of the parent.
    ///
    /// Returns `None` for a path without a final name: the root itself (`.`), `/`, or `..` at the
    /// end. The directory of the root is not opened again.
    ///
    /// # Errors
    ///
    /// Those of `open`, unchanged; ENAMETOOLONG; [`Code::InvalidPath`] for a reserved name.
    pub(crate) fn open(
        scope: &Scope<'_>,
        text: &[u8],
        naming: Naming,
        open: impl FnOnce(&[u8]) -> Result<Found, Error>,
    ) -> Result<Option<Self>, Error> {
        let Some((parent, name)) = path::split(text) else {
            return Ok(None);
        };
        if naming == Naming::Changes && scope.root.is_some() {
            refuse_reserved(name)?;
        }
        let with = |dir, root, is_exact| Self {
            dir,
            root,
            text: text.to_vec(),
            name_start: text.len() - name.len(),
            is_exact,
        };
        if let (Some(root), b"" | b".") = (scope.root, parent) {
            return Ok(Some(with(root.directory(), Some(Arc::clone(root)), false)));
        }
        if path::is_too_long(name) || text.len() >= TOO_LONG {
            // Checked before a parent is created: a read by this path would fail too.
            return Err(Os {
                errno: sys::ENAMETOOLONG,
                syscall: "open",
            }
            .into());
        }
        let found = open(parent)?;
        Ok(Some(with(Arc::new(found.fd), None, found.is_exact)))
    }

    /// Takes a name in an open directory.
    pub(crate) fn in_directory(dir: Arc<OwnedFd>, name: &[u8]) -> Self {
        Self {
            dir,
            root: None,
            text: name.to_vec(),
            name_start: 0,
            is_exact: true,
        }
    }

    /// Returns the directory.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Returns the directory, for uses that outlive this value.
    pub(crate) fn directory(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.dir)
    }

    /// Returns the root when its own directory is the parent.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        self.root.as_ref()
    }

    /// Returns the final name.
    pub(crate) fn name(&self) -> &[u8] {
        &self.text[self.name_start..]
    }

    /// Returns the path of the directory as it was located; empty for the root's own.
    pub(crate) fn text(&self) -> &[u8] {
        path::split(&self.text).map_or(&b""[..], |(parent, _)| parent)
    }

    /// Returns whether no symlink was followed on the way to a directory other than the root's.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Returns the real path of the directory, for results only.
    pub(crate) fn real_path(&self, scope: &Scope<'_>) -> Vec<u8> {
        match &self.root {
            Some(root) => root.real().to_vec(),
            None => scope.real_path_of(self.text(), self.as_fd(), self.is_exact),
        }
    }
}

impl Located<'_> {
    /// Opens the parent with `SEARCH_ONLY`. See [`Parent::open`].
    pub(crate) fn parent(&self, scope: &Scope<'_>) -> Result<Option<Parent>, Error> {
        Parent::open(scope, &self.text, Naming::Uses, |parent| {
            scope.open(parent, sys::SEARCH_ONLY, super::Last::Follow)
        })
    }
}

/// Refuses a name of our own files: whoever has it stands in for a temporary, a lock file or a
/// temporary root.
pub(crate) fn refuse_reserved(name: &[u8]) -> Result<(), Error> {
    if path::reserved::is_reserved(name) {
        return Err(Error::refused(Code::InvalidPath, "reserved"));
    }
    Ok(())
}
