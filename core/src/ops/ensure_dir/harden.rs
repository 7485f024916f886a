//! Removes the bits beyond the mode from an open directory, where they may be removed.

use super::reason::Reason;
use super::rules::{Existing, Hardening, IsSystem, Rules};
use crate::error::{Error, Os};
use crate::metadata::{self, Acl, Exempt, SHARED_BITS};
use crate::sys::{self, BorrowedFd, Stat};

/// Returns whether the mode has permission bits that the rules lack.
pub(super) fn has_excess(stat: &Stat, rules: &Rules) -> bool {
    stat.mode & 0o777 & !rules.mode != 0
}

/// Returns whether the directory is private to a user other than this one and root.
pub(super) fn is_foreign(stat: &Stat) -> bool {
    stat.mode & SHARED_BITS == 0 && !metadata::is_own_or_root(stat.uid)
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
pub(super) fn harden(
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
