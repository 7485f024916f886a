//! Why a directory grants more than requested.

use crate::sys;

/// Why a directory grants more than requested. The order is that of the names in
/// `lib/verbs/ensure-dir.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the first five are the errnos they are named after"
)]
pub enum Reason {
    Eperm,
    Eacces,
    Erofs,
    Enosys,
    Enotsup,
    /// `chmod` returned success and changed nothing.
    NoEffect,
    /// Its bits are private, but another user owns it.
    Owner,
    /// It has named ACL entries, whose mask `chmod` would zero.
    Acl,
    /// Others share it by design.
    Shared,
    /// It belongs to the system, whose programs need its mode.
    System,
    /// The operator opted out.
    OptOut,
}

impl Reason {
    /// Returns the reason for an errno by which `chmod` reports that the mode cannot be changed
    /// here.
    pub(super) fn of_refusal(errno: i32) -> Option<Self> {
        match errno {
            sys::EPERM => Some(Self::Eperm),
            sys::EACCES => Some(Self::Eacces),
            sys::EROFS => Some(Self::Erofs),
            sys::ENOSYS => Some(Self::Enosys),
            sys::ENOTSUP => Some(Self::Enotsup),
            // The owner has no id in this id-mapped mount, so the owner cannot be the caller.
            sys::EOVERFLOW => Some(Self::Owner),
            _ => None,
        }
    }

    /// Returns the name in the public API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Eperm => "EPERM",
            Self::Eacces => "EACCES",
            Self::Erofs => "EROFS",
            Self::Enosys => "ENOSYS",
            Self::Enotsup => "ENOTSUP",
            Self::NoEffect => "no-effect",
            Self::Owner => "owner",
            Self::Acl => "acl",
            Self::Shared => "shared",
            Self::System => "system",
            Self::OptOut => "opt-out",
        }
    }
}
