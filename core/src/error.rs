//! Errors of the core: a refusal with a [`Code`], or what the system returned.
//!
//! `Display` prints like strace, for Rust callers and test output. `lib/errors/` composes the
//! sentences for users from the same facts.

use std::fmt;

/// Why a call was refused, or how its failure is classified. The spelling is public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The path is unusable: empty, or with a NUL.
    InvalidPath,
    /// The path leaves the root, by text or by symlink.
    OutsideWorkspace,
    /// A symlink where the policy allows none, or one that is not trusted.
    Symlink,
    /// The file has more than one name where only one is allowed.
    Hardlink,
    /// Not a regular file.
    NotFile,
    /// Not a directory.
    NotDirectory,
    /// A device, a magic link or a pseudo file.
    DevicePath,
    /// The file has more bytes than allowed, or than fit in memory.
    TooLarge,
    /// The directory could not be made private, and that was required.
    InsecurePermissions,
    /// The directory belongs to another user, and ownership was required.
    NotOwned,
    /// The file may not be passed to another party.
    OutboundPermissions,
    /// The path kept changing through every bounded retry.
    PathMismatch,
    /// No file has the name, or a parent is missing.
    NotFound,
    /// The name exists, and nothing may be replaced.
    AlreadyExists,
    /// Published, but the directory could not be synced.
    NotDurable,
    /// A lock was not free in time.
    LockTimeout,
    /// The lock file was removed or replaced while it was held.
    LockLost,
    /// The file changed since it was read for an update.
    Conflict,
    /// The file ends with a record without a line break.
    TornTail,
    /// The root was closed.
    RootClosed,
    /// This system does not support the request.
    UnsupportedPlatform,
    /// A defect of holdfast.
    Internal,
    /// The caller's signal was aborted before publication.
    Aborted,
}

impl Code {
    /// Returns the code as it appears in TypeScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPath => "invalid-path",
            Self::OutsideWorkspace => "outside-workspace",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::NotFile => "not-file",
            Self::NotDirectory => "not-directory",
            Self::DevicePath => "device-path",
            Self::TooLarge => "too-large",
            Self::InsecurePermissions => "insecure-permissions",
            Self::NotOwned => "not-owned",
            Self::OutboundPermissions => "OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE",
            Self::PathMismatch => "path-mismatch",
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::NotDurable => "not-durable",
            Self::LockTimeout => "lock-timeout",
            Self::LockLost => "lock-lost",
            Self::Conflict => "conflict",
            Self::TornTail => "torn-tail",
            Self::RootClosed => "root-closed",
            Self::UnsupportedPlatform => "unsupported-platform",
            Self::Internal => "internal",
            Self::Aborted => "aborted",
        }
    }
}

/// What the system returned: an errno, and the call as `node:fs` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{syscall}: {}", std::io::Error::from_raw_os_error(*errno))]
pub struct Os {
    /// The raw, positive errno; kept even where it has no name.
    pub errno: i32,
    /// `open`, `fsync`, …
    pub syscall: &'static str,
}

/// A refusal, with the facts that its message needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// The case within the code, as a word of this crate; empty where there is only one.
    pub detail: &'static str,
    /// The system's error behind it, if there is one.
    pub os: Option<Os>,
    /// Permission bits of the object, where they are known and matter.
    pub mode: Option<u32>,
    /// Owner of the object, where it matters.
    pub uid: Option<u32>,
    /// Effective user of this process, where it matters.
    pub euid: Option<u32>,
    /// Size of the object in bytes, where a size limit is the reason and the size is known.
    pub size: Option<u64>,
    /// Full path of the lock file, where that is refused.
    pub lock_file: Option<Vec<u8>>,
}

/// Any error of the core.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A refusal or a classified outcome.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Any other failure of the system; for `rename` with the path of the temporary.
    #[error("{os}")]
    System {
        /// What the system returned.
        os: Os,
        /// Full path of the temporary, for a failed publication.
        temporary: Option<Vec<u8>>,
    },
    /// Either of them, from a call that could not undo all it had done.
    #[error("{error}, and not all of it could be undone: {remains:?}")]
    Incomplete {
        /// Why the call failed.
        error: Box<Error>,
        /// What was not undone.
        remains: Box<Remains>,
    },
}

/// What a failed call could not undo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// Full path of a temporary that could not be removed, and why.
    pub temporary: Option<(Vec<u8>, Os)>,
    /// Mode of a target that did not get its former permissions back, and why: `None` where its
    /// content could not be restored first.
    pub mode: Option<(u32, Option<Os>)>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        match self.os {
            Some(os) => write!(f, ": {os}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// Builds a refusal that needs no facts but its code and case.
    #[must_use]
    pub fn refused(code: Code, detail: &'static str) -> Self {
        Refusal::new(code, detail).into()
    }

    /// Builds a refusal that the system's error caused.
    #[must_use]
    pub fn refused_by(code: Code, detail: &'static str, os: Os) -> Self {
        Refusal {
            os: Some(os),
            ..Refusal::new(code, detail)
        }
        .into()
    }

    /// Returns the code, if this is a refusal.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::System { .. } => None,
            Self::Incomplete { error, .. } => error.code(),
        }
    }

    /// Returns the errno behind this error, if there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused(refusal) => refusal.os.map(|os| os.errno),
            Self::System { os, .. } => Some(os.errno),
            Self::Incomplete { error, .. } => error.errno(),
        }
    }

    /// Adds what the call could not undo.
    #[must_use]
    pub(crate) fn leaving(self, add: impl FnOnce(&mut Remains)) -> Self {
        let (error, mut remains) = match self {
            Self::Incomplete { error, remains } => (error, remains),
            other => (Box::new(other), Box::default()),
        };
        add(&mut remains);
        Self::Incomplete { error, remains }
    }
}

impl Refusal {
    /// Builds a refusal without facts.
    #[must_use]
    pub fn new(code: Code, detail: &'static str) -> Self {
        Self {
            code,
            detail,
            os: None,
            mode: None,
            uid: None,
            euid: None,
            size: None,
            lock_file: None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Os> for Error {
    fn from(os: Os) -> Self {
        Self::System {
            os,
            temporary: None,
        }
    }
}
