//! Where paths start, what they may cross, and the check of a path against that.

use super::argument::{from_caller, working_directory};
use super::root::Root;
use crate::error::{Code, Error, Os};
use crate::path;
use crate::sys::{self, OwnedFd, Stat};
use std::borrow::Cow;
use std::sync::Arc;

/// Number of bytes from which a path fails with ENAMETOOLONG (`PATH_MAX`). On Windows no path
/// reaches the value: it is the UTF-8 length of the longest path in UTF-16 units.
pub(crate) const TOO_LONG: usize = if cfg!(windows) {
    3 * 32_767
} else if cfg!(target_os = "macos") {
    1024
} else {
    4096
};

/// Which symlinks may be followed. The names are those of the public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// No symlink, neither on the way nor at the end.
    Reject,
    /// Symlinks on the way, by the kernel's rules. The final component may not be one.
    FollowParents,
    /// All symlinks that stay beneath the root.
    FollowWithinRoot,
    /// Symlinks that root or the effective user owns, in a directory that no other user may write.
    FollowTrusted,
}

/// How a path becomes a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// The kernel resolves the whole path at once: `openat2(2)`, or flags of `open(2)` on macOS.
    Kernel,
    /// One `openat(2)` per component.
    Walk,
}

/// How a symlink as the final component is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// Followed as the policy allows it for the directories on the way.
    Follow,
    /// Never followed: with `O_PATH` the symlink itself is opened, otherwise the open fails.
    Keep,
}

/// Where paths start, and what they may cross.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The directory that paths cannot leave.
    pub root: Option<&'a Arc<Root>>,
    /// Which symlinks may be followed.
    pub policy: Policy,
    /// The resolver to use.
    pub resolver: Resolver,
}

/// A checked path: absolute, or relative to the root of its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    /// Absolute without a root. With a root relative, and `.` for the root itself.
    pub(crate) text: Cow<'a, [u8]>,
    /// The path ended in `/` or `/.`, so it can only name a directory.
    pub(crate) names_directory: bool,
    /// The path is as the caller wrote it. Only symlinks can make it differ from the real path, or
    /// from its part beneath the root.
    pub(crate) is_plain: bool,
}

/// An opened path.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) fd: OwnedFd,
    /// No symlink was followed, so the path without `.` and `..` is the real path.
    pub(crate) is_exact: bool,
}

impl Located<'_> {
    fn into_owned(self) -> Located<'static> {
        Located {
            text: Cow::Owned(self.text.into_owned()),
            // The caller wrote it in another form.
            is_plain: false,
            ..self
        }
    }
}

impl Scope<'_> {
    /// Checks a path and converts it to the form that [`Self::open`] takes.
    ///
    /// With [`Policy::Reject`], `.` and `..` are resolved by text here: no symlink can lie on the
    /// way. With the other policies they keep the kernel's meaning.
    #[inline(always)]
    pub(crate) fn locate<'p>(&self, raw: &'p [u8]) -> Result<Located<'p>, Error> {
        match (self.root, from_caller(raw)?) {
            (Some(root), Cow::Borrowed(path)) => self.locate_beneath(root, path),
            (None, Cow::Borrowed(path)) => self.locate_absolute(path),
            (Some(root), Cow::Owned(path)) => Ok(self.locate_beneath(root, &path)?.into_owned()),
            (None, Cow::Owned(path)) => Ok(self.locate_absolute(&path)?.into_owned()),
        }
    }

    #[inline(always)]
    fn locate_absolute<'p>(&self, raw: &'p [u8]) -> Result<Located<'p>, Error> {
        if self.policy == Policy::FollowWithinRoot {
            return Err(Error::refused(Code::Internal, "policy-needs-root"));
        }
        let by_text = self.policy == Policy::Reject;
        if path::is_normal(raw) && !(by_text && path::begins_with_system_link(raw)) {
            return Ok(Located {
                text: Cow::Borrowed(raw),
                names_directory: false,
                is_plain: true,
            });
        }
        let absolute = if raw.starts_with(b"/") {
            Cow::Borrowed(raw)
        } else {
            let base = working_directory()?;
            path::join(&base, raw)
        };
        let names_directory = path::bare(&absolute).1 || path::bare(raw).1 || raw == b".";
        let text = if by_text {
            Cow::Owned(path::past_system_link(path::normalize(&absolute)))
        } else {
            match absolute {
                Cow::Borrowed(absolute) => Cow::Borrowed(path::bare(absolute).0),
                Cow::Owned(absolute) => Cow::Owned(path::bare(&absolute).0.to_vec()),
            }
        };
        Ok(Located {
            text,
            names_directory,
            is_plain: false,
        })
    }

    /// Refuses an object that is the root itself, after the root was removed: its descriptor still
    /// opens it.
    ///
    /// # Errors
    ///
    /// [`Code::NotFound`], with the errno of the call by a path.
    #[inline(always)]
    pub(crate) fn refuse_removed_root(
        &self,
        stat: &Stat,
        syscall: &'static str,
    ) -> Result<(), Error> {
        match self.root {
            Some(root) if stat.nlink == 0 && root.is_removed(stat) => {
                let errno = sys::ENOENT;
                let os = Os { errno, syscall };
                Err(Error::refused_by(Code::NotFound, "removed", os))
            }
            _ => Ok(()),
        }
    }

    fn locate_beneath<'p>(&self, root: &Root, raw: &'p [u8]) -> Result<Located<'p>, Error> {
        let outside = || Error::refused(Code::OutsideWorkspace, "text");
        if path::is_normal_beneath(raw) {
            return Ok(Located {
                text: Cow::Borrowed(raw),
                names_directory: false,
                is_plain: true,
            });
        }
        let by_text = self.policy == Policy::Reject;
        let mut names_directory = path::bare(raw).1 || raw == b".";
        let relative = if !raw.starts_with(b"/") {
            Cow::Borrowed(raw)
        } else if by_text {
            let normal = path::normalize(raw);
            // A root that was given with `..` after a symlink matches only the path as it was
            // written.
            let below = root.strip(&normal).or_else(|| root.strip(raw));
            Cow::Owned(below.ok_or_else(outside)?.to_vec())
        } else {
            Cow::Borrowed(root.strip(raw).ok_or_else(outside)?)
        };
        let text = if by_text {
            Cow::Owned(path::normalize_beneath(&relative).ok_or_else(outside)?)
        } else {
            match relative {
                Cow::Borrowed(relative) => Cow::Borrowed(path::bare(relative).0),
                owned @ Cow::Owned(_) => owned,
            }
        };
        names_directory |= text.is_empty();
        Ok(Located {
            text: if text.is_empty() {
                Cow::Borrowed(b".")
            } else {
                text
            },
            names_directory,
            is_plain: false,
        })
    }
}
