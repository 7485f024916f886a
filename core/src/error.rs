//! Errors of the core: a refusal with a [`Code`], or what the system returned.
//!
//! `Display` prints like strace, for Rust callers and test output. The sentences that a user
//! reads are composed in `lib/errors/`, from the same facts.

use std::fmt;

/// Why a call was refused, or how its failure is classified. The spelling is public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// Not a usable path: empty, or with a NUL.
    InvalidPath,
    /// Leaves the root, by text or by link.
    OutsideWorkspace,
    /// A symlink where the policy allows none, or one that is not trusted.
    Symlink,
    /// More than one name, where one was asked for.
    Hardlink,
    /// Not a regular file.
    NotFile,
    /// Not a directory.
    NotDirectory,
    /// A device, a magic link or a pseudo file.
    DevicePath,
    /// More bytes than allowed, or than fit in memory.
    TooLarge,
    /// The directory did not end private, and that was required.
    InsecurePermissions,
    /// The directory belongs to another user, and ownership was required.
    NotOwned,
    /// The file may not be handed to another party.
    OutboundPermissions,
    /// The path kept changing through every bounded retry.
    PathMismatch,
    /// Nothing has the name, or a parent is missing.
    NotFound,
    /// Something has the name, and nothing may be replaced.
    AlreadyExists,
    /// Published, but the directory could not be synced.
    NotDurable,
    /// The root was closed.
    RootClosed,
    /// This system cannot do what was asked.
    UnsupportedPlatform,
    /// A defect of holdfast.
    Internal,
    /// The caller's signal was aborted before publication.
    Aborted,
}

impl Code {
    /// The code as it appears in TypeScript.
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
    /// The raw, positive number; kept even where it has no name.
    pub errno: i32,
    /// `open`, `fsync`, …
    pub syscall: &'static str,
}

/// A refusal, with the facts that its message needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What happened.
    pub code: Code,
    /// Which of the code's cases it is; a word of this crate, empty where there is only one.
    pub detail: &'static str,
    /// The system's word in it, if there was one.
    pub os: Option<Os>,
    /// Permission bits of the object, where they are known and matter.
    pub mode: Option<u32>,
    /// Owner of the object, where it matters.
    pub uid: Option<u32>,
    /// Effective user of this process, where it matters.
    pub euid: Option<u32>,
    /// Bytes of the object, where a limit on them is the reason and they are known.
    pub size: Option<u64>,
}

/// Everything that can go wrong in the core.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A refusal or a classified outcome.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Any other failure of the system; `rename` also names the temporary.
    #[error("{os}")]
    System {
        /// What the system returned.
        os: Os,
        /// Full path of the temporary, for a failed publication.
        temporary: Option<Vec<u8>>,
    },
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
    /// A refusal that needs no more facts than its code and case.
    #[must_use]
    pub fn refused(code: Code, detail: &'static str) -> Self {
        Refusal::new(code, detail).into()
    }

    /// A refusal in which the system had a word.
    #[must_use]
    pub fn refused_by(code: Code, detail: &'static str, os: Os) -> Self {
        Refusal {
            os: Some(os),
            ..Refusal::new(code, detail)
        }
        .into()
    }

    /// The code, if this is a refusal.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::System { .. } => None,
        }
    }

    /// The errno behind this error, if there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused(refusal) => refusal.os.map(|os| os.errno),
            Self::System { os, .. } => Some(os.errno),
        }
    }
}

impl Refusal {
    /// A refusal with no facts yet.
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
