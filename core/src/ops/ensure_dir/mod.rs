//! Creates a directory, or removes excess permission bits from an existing one.
//!
//! 1. `openat2(O_PATH | O_DIRECTORY)` under the scope's policy opens an existing directory in one
//!    call.
//! 2. `fstat` of the descriptor: a directory that is already private gets no `chmod`.
//! 3. Otherwise the ACL is read, bits are removed through the descriptor, and the resulting mode is
//!    read back with `fstat`.

mod reason;

pub use reason::Reason;

use crate::error::{Code, Error, Os, Refusal};
use crate::make_dirs::{Made, open_or_make};
use crate::metadata::is_system_directory;
use crate::metadata::{self, Acl, Exempt, SHARED_BITS};
use crate::resolve::{Last, Located, Policy, Scope};
use crate::sys::{self, AsFd, BorrowedFd, Stat};

/// What happens to an existing directory that grants more than the requested mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Removes the bits beyond the mode where the system allows it.
    Tighten,
    /// Removes the bits beyond the mode, or fails the call.
    Require,
    /// Leaves the mode as it is.
    Leave,
    /// Leaves the mode as it is because the operator opted out.
    OptOut,
}

/// The outcome for the directory's mode. The order is that of the names in
/// `lib/verbs/ensure-dir.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardening {
    /// This call created the directory.
    Created,
    /// The directory grants nothing beyond the mode.
    NotNeeded,
    /// Bits were removed.
    Tightened,
    /// Bits could not be removed.
    Tolerated,
    /// Bits were left on purpose.
    Left,
}

/// The requested state of the directory.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Permission bits: the exact mode of a new directory, the upper bound for an existing one.
    pub mode: u32,
    /// What happens to a directory that exists.
    pub existing: Existing,
}

/// Returns whether a directory with this stat belongs to the system. Called only when there are
/// bits to remove.
pub(crate) type IsSystem<'a> = &'a dyn Fn(&Stat) -> bool;

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
        let hardened = harden(found.fd.as_fd(), self.stat, new, &is_system, rules)?;
        sys::close_quietly(self.made.found.fd);
        report(&hardened, self.real, self.made.first_created, rules)
    }
}

/// Returns whether the mode has permission bits that the rules lack.
fn has_excess(stat: &Stat, rules: &Rules) -> bool {
    stat.mode & 0o777 & !rules.mode != 0
}

/// Returns whether the directory is private to a user other than this one and root.
fn is_foreign(stat: &Stat) -> bool {
    stat.mode & SHARED_BITS == 0 && !metadata::is_own_or_root(stat.uid)
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

/// The directory's final stat and the outcome for its mode.
pub(crate) struct Hardened {
    pub(crate) stat: Stat,
    pub(crate) is_private: bool,
    pub(crate) hardening: Hardening,
    pub(crate) reason: Option<Reason>,
}

impl Hardened {
    fn new(stat: Stat, hardening: Hardening, reason: Option<Reason>) -> Self {
        Self {
            is_private: stat.mode & SHARED_BITS == 0 && metadata::is_own_or_root(stat.uid),
            stat,
            hardening,
            reason,
        }
    }
}

/// `Some` when this call created the directory. The inner value is the errno of a `chmod` that
/// could not add the bits the umask removed.
type New = Option<Option<i32>>;

/// Hardens the directory through its descriptor, and reads the mode back.
#[inline(always)]
fn harden(
    dir: BorrowedFd<'_>,
    before: Stat,
    new: New,
    is_system: IsSystem<'_>,
    rules: &Rules,
) -> Result<Hardened, Error> {
    if !sys::HAS_MODES {
        return harden_without_modes(dir, before, new.is_some(), is_system, rules);
    }
    let hardened = harden_mode(dir, before, new, is_system, rules)?;
    with_grants(dir, hardened, rules)
}

#[inline(always)]
fn harden_mode(
    dir: BorrowedFd<'_>,
    before: Stat,
    new: New,
    is_system: IsSystem<'_>,
    rules: &Rules,
) -> Result<Hardened, Error> {
    if let Some(refused) = new {
        let lacks = rules.mode & !before.mode & 0o777;
        let reason = match refused {
            _ if has_excess(&before, rules) => Some(Reason::NoEffect),
            Some(errno) if lacks != 0 => Reason::of_refusal(errno),
            _ => None,
        };
        return Ok(Hardened::new(before, Hardening::Created, reason));
    }
    if let Some(hardened) = unchanged(dir, before, is_system, rules)? {
        return Ok(hardened);
    }
    let result = sys::change_mode_of_path_fd(dir, narrowed(&before, rules));
    changed(result, sys::fstat(dir)?, rules)
}

/// Returns the result for an existing directory whose mode stays as it is; `None` when bits have to
/// be removed.
#[inline(always)]
pub(crate) fn unchanged(
    dir: BorrowedFd<'_>,
    before: Stat,
    is_system: IsSystem<'_>,
    rules: &Rules,
) -> Result<Option<Hardened>, Error> {
    let done = |hardening, reason| Ok(Some(Hardened::new(before, hardening, reason)));
    if !has_excess(&before, rules) {
        return match rules.existing {
            _ if !is_foreign(&before) => done(Hardening::NotNeeded, None),
            Existing::Leave => done(Hardening::Left, None),
            Existing::OptOut => done(Hardening::Left, Some(Reason::OptOut)),
            _ => done(Hardening::Left, Some(Reason::Owner)),
        };
    }
    match rules.existing {
        Existing::Leave => done(Hardening::Left, None),
        Existing::OptOut => done(Hardening::Left, Some(Reason::OptOut)),
        Existing::Tighten | Existing::Require => match reason_to_keep(dir, &before, is_system)? {
            Some(reason) => done(Hardening::Left, Some(reason)),
            None => Ok(None),
        },
    }
}

/// Returns the mode without the permission bits that the rules lack. Setgid and sticky stay.
pub(crate) fn narrowed(before: &Stat, rules: &Rules) -> u32 {
    before.permissions() & !(before.mode & 0o777 & !rules.mode)
}

/// Returns the outcome of a `chmod`, from its return value and the mode read back.
pub(crate) fn changed(
    result: Result<(), Os>,
    after: Stat,
    rules: &Rules,
) -> Result<Hardened, Error> {
    match result {
        Ok(()) if !has_excess(&after, rules) => {
            let reason = is_foreign(&after).then_some(Reason::Owner);
            Ok(Hardened::new(after, Hardening::Tightened, reason))
        }
        Ok(()) => Ok(Hardened::new(
            after,
            Hardening::Tolerated,
            Some(Reason::NoEffect),
        )),
        Err(os) => match Reason::of_refusal(os.errno) {
            Some(reason) => Ok(Hardened::new(after, Hardening::Tolerated, Some(reason))),
            None => Err(os.into()),
        },
    }
}

/// Refines the result where ACLs grant access that the mode does not show.
#[inline(always)]
fn with_grants(dir: BorrowedFd<'_>, hardened: Hardened, rules: &Rules) -> Result<Hardened, Error> {
    if !hardened.is_private || !sys::acl_grants(dir)? {
        return Ok(hardened);
    }
    let is_wanted = matches!(rules.existing, Existing::Tighten | Existing::Require);
    Ok(Hardened {
        is_private: false,
        hardening: match hardened.hardening {
            Hardening::NotNeeded if is_wanted => Hardening::Left,
            other => other,
        },
        reason: hardened.reason.or(is_wanted.then_some(Reason::Acl)),
        ..hardened
    })
}

/// Hardens on a system without modes: the ACL alone grants access, and it is left as it is.
fn harden_without_modes(
    dir: BorrowedFd<'_>,
    stat: Stat,
    is_new: bool,
    is_system: IsSystem<'_>,
    rules: &Rules,
) -> Result<Hardened, Error> {
    let is_private = !sys::acl_grants(dir)?;
    let (hardening, reason) = match rules.existing {
        _ if is_new => (Hardening::Created, (!is_private).then_some(Reason::Enotsup)),
        _ if is_private => (Hardening::NotNeeded, None),
        Existing::Leave => (Hardening::Left, None),
        Existing::OptOut => (Hardening::Left, Some(Reason::OptOut)),
        Existing::Tighten | Existing::Require if is_system(&stat) => {
            (Hardening::Left, Some(Reason::System))
        }
        Existing::Tighten | Existing::Require => (Hardening::Left, Some(Reason::Enotsup)),
    };
    Ok(Hardened {
        stat,
        is_private,
        hardening,
        reason,
    })
}

/// Returns why a directory keeps bits that were to be removed; `None` when they may be removed.
fn reason_to_keep(
    dir: BorrowedFd<'_>,
    stat: &Stat,
    is_system: IsSystem<'_>,
) -> Result<Option<Reason>, Error> {
    if is_system(stat) {
        return Ok(Some(Reason::System));
    }
    let (user, group) = (sys::effective_user(), sys::effective_group());
    if let Some(Exempt::Shared) = metadata::exempt(stat, user, group) {
        return Ok(Some(Reason::Shared));
    }
    // The group bits are an ACL's mask: without them no entry grants anything.
    if stat.mode & 0o070 == 0 || !sys::MODE_MASKS_ACL {
        return Ok(None);
    }
    // An ACL that cannot be read may have named entries.
    let acl = Acl::read(sys::get_acl_of_path_fd(dir, None))?;
    Ok(acl
        .is_some_and(|acl| acl.has_named_entries())
        .then_some(Reason::Acl))
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
