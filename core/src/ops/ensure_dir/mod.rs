//! Creates a directory, or removes excess permission bits from an existing one.
//!
//! 1. `openat2(O_PATH | O_DIRECTORY)` under the scope's policy opens an existing directory in one
//!    call.
//! 2. `fstat` of the descriptor: a directory that is already private gets no `chmod`.
//! 3. Otherwise the ACL is read, bits are removed through the descriptor, and the resulting mode is
//!    read back with `fstat`.

mod harden;
mod reason;
mod rules;

pub use reason::Reason;
pub use rules::{Existing, Hardening, Rules};

pub(crate) use harden::Hardened;
#[cfg(target_os = "linux")]
pub(crate) use harden::{changed, narrowed, unchanged};
#[cfg(target_os = "linux")]
pub(crate) use rules::IsSystem;

use crate::error::{Code, Error, Refusal};
use crate::make_dirs::{Made, open_or_make};
use crate::metadata::{self, is_system_directory};
use crate::resolve::{Last, Located, Policy, Scope};
use crate::sys::{self, AsFd, Stat};
use harden::{has_excess, is_foreign};

/// The resulting directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// Its real path; `None` when it equals the path as given, or the root's real path plus that
    /// path.
    pub real: Option<Vec<u8>>,
    /// The topmost directory that was created, as a prefix of the resolved path.
    pub first_created: Option<Vec<u8>>,
    /// Permission bits read back, with setuid, setgid and sticky.
    pub mode: u32,
    /// No access for group, others or an ACL entry, and the owner is the effective user or root.
    pub is_private: bool,
    /// The outcome for the mode.
    pub hardening: Hardening,
    /// Why the directory grants more than requested.
    pub reason: Option<Reason>,
}

/// Creates a directory or tightens an existing one.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`], [`Code::NotDirectory`],
/// [`Code::NotFound`], [`Code::PathMismatch`]; with [`Existing::Require`]
/// [`Code::InsecurePermissions`] and [`Code::NotOwned`]; otherwise what the system returned.
#[inline(always)]
pub fn ensure_dir(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Ensured, Error> {
    OpenDirectory::open_or_make(scope, raw, rules.mode)?.harden(rules)
}

/// An open directory whose mode is not changed yet.
pub struct OpenDirectory<'a> {
    scope: &'a Scope<'a>,
    located: Located<'a>,
    made: Made,
    real: Option<Vec<u8>>,
    stat: Stat,
}

impl<'a> OpenDirectory<'a> {
    /// Opens a directory, or creates it with a mode. The first step of [`ensure_dir`].
    ///
    /// # Errors
    ///
    /// As [`ensure_dir`].
    #[inline(always)]
    pub fn open_or_make(scope: &'a Scope<'a>, raw: &'a [u8], mode: u32) -> Result<Self, Error> {
        let located = scope.locate(raw)?;
        let made = open_or_make(scope, &located.text, mode, last(scope), &mut |_| Ok(()))?;
        Self::new(scope, located, made)
    }

    #[inline(always)]
    pub(crate) fn new(
        scope: &'a Scope<'a>,
        located: Located<'a>,
        made: Made,
    ) -> Result<Self, Error> {
        let real = scope.other_path(&located, &made.found);
        let stat = sys::fstat(made.found.fd.as_fd())?;
        scope.refuse_removed_root(&stat, "mkdir")?;
        Ok(Self {
            scope,
            located,
            made,
            real,
            stat,
        })
    }

    /// Returns whether the rules matter: the directory existed, and grants more than the mode or
    /// belongs to another user. True for every existing directory of a system without modes.
    #[must_use]
    pub fn differs_from(&self, rules: &Rules) -> bool {
        !self.made.is_new
            && (!sys::HAS_MODES || has_excess(&self.stat, rules) || is_foreign(&self.stat))
    }

    /// Removes the bits beyond the mode as the rules say. The second step of [`ensure_dir`].
    ///
    /// # Errors
    ///
    /// As [`ensure_dir`].
    #[inline(always)]
    pub fn harden(self, rules: &Rules) -> Result<Ensured, Error> {
        let Made { found, .. } = &self.made;
        let is_system = |stat: &Stat| {
            is_system_directory(&self.scope.real_path(&self.located.text, found), stat)
        };
        let new = self.made.is_new.then_some(self.made.refused);
        let hardened = harden::harden(found.fd.as_fd(), self.stat, new, &is_system, rules)?;
        sys::close_quietly(self.made.found.fd);
        report(&hardened, self.real, self.made.first_created, rules)
    }
}

/// Returns whether a symlink as the final component is followed.
pub(crate) fn last(scope: &Scope<'_>) -> Last {
    match scope.policy {
        Policy::Reject | Policy::FollowParents => Last::Keep,
        Policy::FollowWithinRoot | Policy::FollowTrusted => Last::Follow,
    }
}

/// Builds the result for a directory; an error where [`Existing::Require`] is not met.
#[inline(always)]
pub(crate) fn report(
    hardened: &Hardened,
    real: Option<Vec<u8>>,
    first_created: Option<Vec<u8>>,
    rules: &Rules,
) -> Result<Ensured, Error> {
    let ensured = Ensured {
        real,
        first_created,
        mode: hardened.stat.permissions(),
        is_private: hardened.is_private,
        hardening: hardened.hardening,
        reason: hardened.reason,
    };
    if rules.existing == Existing::Require {
        require(&ensured, &hardened.stat, rules)?;
    }
    Ok(ensured)
}

/// Checks [`Existing::Require`]: nothing beyond the mode, and the owner is this user or root.
fn require(ensured: &Ensured, stat: &Stat, rules: &Rules) -> Result<(), Error> {
    let has_excess = if sys::HAS_MODES {
        has_excess(stat, rules) || ensured.reason == Some(Reason::Acl)
    } else {
        !ensured.is_private
    };
    let code = if has_excess {
        Code::InsecurePermissions
    } else if !metadata::is_own_or_root(stat.uid) {
        Code::NotOwned
    } else {
        return Ok(());
    };
    Err(Refusal {
        mode: Some(stat.permissions()),
        uid: Some(stat.uid),
        euid: metadata::effective_user(),
        ..Refusal::new(code, ensured.reason.map_or("", Reason::word))
    }
    .into())
}
