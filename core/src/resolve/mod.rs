//! From a path to a descriptor, under a policy for symlinks and beneath a root, if there is one.
//!
//! Two resolvers give the same answers: [`kernel`] has the system do the whole path at once;
//! [`walk`] opens one component after the other where it cannot. Which one is decided once per
//! process, by a probe, and never by the answer to a real path.

#[cfg_attr(target_os = "linux", path = "openat2.rs")]
#[cfg_attr(target_os = "macos", path = "open_flags.rs")]
#[cfg_attr(windows, path = "whole_path.rs")]
mod kernel;
pub(crate) mod link_policy;
mod walk;

use crate::error::{Code, Error};
use crate::path;
use crate::root::Root;
use crate::sys::{self, AsFd, OFlag, OwnedFd, Stat};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From so many bytes on, the system refuses a path for its length (`PATH_MAX`); on Windows no path
/// has as many: those that UTF-16 units take, up to the most that there can be.
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
    /// None, on the way or at the end.
    Reject,
    /// Those on the way, by the kernel's rules; the final component may not be one.
    FollowParents,
    /// All that stay beneath the root.
    FollowWithinRoot,
    /// Those that root or the effective user owns, in a directory no one else may write.
    FollowTrusted,
}

/// How a path becomes a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// The system, for the whole path at once: `openat2(2)`, or flags of `open(2)` on macOS.
    Kernel,
    /// One `openat(2)` a component.
    Walk,
}

impl Resolver {
    /// The stronger of the two that works in this process.
    #[must_use]
    pub fn detect() -> Self {
        if kernel::works() {
            Self::Kernel
        } else {
            Self::Walk
        }
    }
}

/// What a symlink as the final component means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// Followed as the policy allows it for the directories on the way.
    Follow,
    /// Never followed; it is opened itself with `O_PATH`, and refused otherwise.
    Keep,
}

/// Where paths start, and what they may cross.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The directory that nothing leaves.
    pub root: Option<&'a Arc<Root>>,
    /// Which symlinks may be followed.
    pub policy: Policy,
    /// How.
    pub resolver: Resolver,
}

/// A path, checked and made absolute, or relative to the root of its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    /// Absolute without a root; relative, and `.` for the root itself, with one.
    pub(crate) text: Cow<'a, [u8]>,
    /// It ended in `/` or `/.`, so only a directory can be meant.
    pub(crate) names_directory: bool,
    /// It is as its caller wrote it, and has nothing to resolve but links: without one on the way,
    /// it is the real path, or what lies beneath the root's.
    pub(crate) is_plain: bool,
}

/// An opened path.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) fd: OwnedFd,
    /// No link was followed, so that the path without `.` and `..` is the real path.
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
    /// Checks a path and brings it into the form that [`Self::open`] takes.
    ///
    /// With [`Policy::Reject`], `.` and `..` are resolved by text here: no link can lie on the
    /// way. With the others they keep the kernel's meaning.
    #[inline(always)]
    pub(crate) fn locate<'p>(&self, raw: &'p [u8]) -> Result<Located<'p>, Error> {
        match (self.root, path::from_caller(raw)?) {
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
            // A root that was given with `..` behind a link has that name only as it was written.
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

    /// Opens a located path, or a parent or child of one in the same form.
    ///
    /// From either resolver, a link that is not allowed is ELOOP and leaving the root EXDEV, as
    /// the kernel has it; [`classify`] names them.
    #[inline(always)]
    pub(crate) fn open(&self, text: &[u8], flags: OFlag, last: Last) -> Result<Found, Error> {
        let resolve = |flags| {
            if kernel::serves(self) {
                kernel::open(self, text, flags, last)
            } else {
                walk::open(self, text, flags, last)
            }
        };
        match resolve(flags) {
            Err(error) if error.errno() == Some(sys::EAGAIN) => settle_again(error, flags, resolve),
            answer => answer,
        }
    }

    /// Whether it is the kernel that keeps paths beneath the root.
    #[must_use]
    #[inline]
    pub fn is_contained_by_kernel(&self) -> bool {
        self.root.is_some() && kernel::serves(self)
    }

    /// The status of what a path leads to, which is not opened for that.
    pub(crate) fn look(&self, text: &[u8], last: Last) -> Result<Stat, Error> {
        match sys::PATH_ONLY {
            Some(flags) => Ok(sys::fstat(self.open(text, flags, last)?.fd.as_fd())?),
            None => walk::look(self, text, last).map_err(|error| match error {
                Error::System { os, .. } if os.errno == sys::EAGAIN => {
                    Error::refused_by(Code::PathMismatch, "retries", os)
                }
                other => other,
            }),
        }
    }

    /// The real path of something opened, unless it is the path as given, or lies beneath the
    /// root's like that.
    #[inline(always)]
    pub(crate) fn other_path(&self, located: &Located<'_>, found: &Found) -> Option<Vec<u8>> {
        let is_as_given = found.is_exact && located.is_plain;
        (!is_as_given).then(|| self.real_path(&located.text, found))
    }

    /// The real path of something opened, for results. Never used to reach it again.
    pub(crate) fn real_path(&self, text: &[u8], found: &Found) -> Vec<u8> {
        let absolute = match self.root {
            Some(root) => path::join(root.real(), text),
            None => Cow::Borrowed(text),
        };
        let by_text = || path::normalize(&absolute);
        if found.is_exact {
            return by_text();
        }
        let Ok(mut real) = sys::fd_path(found.fd.as_fd()) else {
            return sys::resolved_path(found.fd.as_fd(), &absolute).unwrap_or_else(by_text);
        };
        if !real.starts_with(b"/") {
            // Not reachable from this process's root directory.
            return by_text();
        }
        if real.ends_with(DELETED) && sys::fstat(found.fd.as_fd()).is_ok_and(|stat| stat.nlink == 0)
        {
            real.truncate(real.len() - DELETED.len());
        }
        real
    }
}

/// What the kernel puts behind the path of an object that has no name any more.
const DELETED: &[u8] = b" (deleted)";

/// The absolute path beneath the working directory as it is now, in the form of the caller.
///
/// # Errors
///
/// [`Code::InvalidPath`]; [`Code::NotFound`] where the working directory was removed.
pub fn absolute(raw: &[u8]) -> Result<Vec<u8>, Error> {
    let path = path::from_caller(raw)?;
    let absolute = path::join(&working_directory()?, &path).into_owned();
    Ok(path::shown(&absolute).into_owned())
}

/// The working directory, which may have been removed.
pub(crate) fn working_directory() -> Result<Vec<u8>, Error> {
    sys::current_directory().map_err(|os| match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "working-directory", os),
        _ => os.into(),
    })
}

/// Tells the two meanings of EAGAIN apart: the path changed through every try, or somebody holds
/// a lease on the file, which a non-blocking open has told the holder to give up.
///
/// `O_PATH` breaks no lease, so that its answer is about the path alone. A lease is waited for,
/// for a bounded time, as an open without `O_NONBLOCK` would.
fn settle_again(
    error: Error,
    flags: OFlag,
    resolve: impl Fn(OFlag) -> Result<Found, Error>,
) -> Result<Found, Error> {
    /// Lease holders answer within milliseconds; the kernel itself takes a lease away after
    /// /proc/sys/fs/lease-break-time, which is 45 s.
    const PATIENCE: Duration = Duration::from_secs(5);
    const NAP: Duration = Duration::from_millis(5);

    let Error::System { os, .. } = error else {
        return Err(error);
    };
    let Some(look) = sys::PATH_ONLY else {
        // No leases there: only a link that kept changing under every look answers this.
        return Err(Error::refused_by(Code::PathMismatch, "retries", os));
    };
    let path_only = look | (flags & (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW));
    let is_unstable = flags.contains(look)
        || resolve(path_only).is_err_and(|probe| probe.errno() == Some(sys::EAGAIN));
    if is_unstable {
        return Err(Error::refused_by(Code::PathMismatch, "retries", os));
    }
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        std::thread::sleep(NAP);
        match resolve(flags) {
            Err(error) if error.errno() == Some(sys::EAGAIN) => {}
            answer => return answer,
        }
    }
    Err(os.into())
}

/// Classifies what every verb classifies alike; the rest stays what the system answered.
pub(crate) fn classify(error: Error) -> Error {
    let Error::System { os, .. } = error else {
        return error;
    };
    match os.errno {
        sys::ENOENT => Error::refused_by(Code::NotFound, "missing", os),
        sys::ELOOP => Error::refused_by(Code::Symlink, "link", os),
        sys::EXDEV if os.syscall == "open" => Error::refused_by(Code::OutsideWorkspace, "link", os),
        _ => error,
    }
}
