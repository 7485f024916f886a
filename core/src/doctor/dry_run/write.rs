//! A dry run of `write`.

use super::system_calls::{is_capable, is_full, is_member, would_create, would_unname};
use crate::error::{Code, Error, Os};
use crate::make_dirs::{self, Lookup};
use crate::metadata::{self, Acl};
use crate::ops::write::{Durable, OldFile, Preserved, Rules, WriteTarget, check_overwritable};
use crate::path;
use crate::resolve::{Last, Scope};
use crate::sys::{self, Locality, OFlag, Stat};
use nix::libc;
use std::os::fd::{AsFd, BorrowedFd};

/// The predicted result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredictedWrite {
    /// No file has the name now.
    pub created: bool,
    /// Permission bits of the new file.
    pub mode: u32,
    /// What could be synced, as far as the directory's permissions show.
    pub durable: Durable,
    /// What would be kept; `None` when there is no file to replace.
    pub preserved: Option<Preserved>,
}

/// Makes the calls of [`crate::ops::write::write`] up to the temporary file, and predicts the rest.
///
/// # Errors
///
/// Those that it would return.
pub fn write(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<PredictedWrite, Error> {
    let without_parents = Rules {
        make_parents: None,
        ..*rules
    };
    let mut target = match WriteTarget::find(scope, raw, &without_parents) {
        Err(error) if error.code() == Some(Code::NotFound) && rules.make_parents.is_some() => {
            return with_parents(scope, raw, rules, error);
        }
        result => result?,
    };
    let rules = without_parents;
    let old_file = target.inspect(scope, &rules)?;
    let held = target.directory();
    let dir = held.as_fd();
    would_create(dir, "open").map_err(|os| make_dirs::classify_creation(dir, os))?;
    refuse_full(dir)?;
    let above = sys::fstat(dir)?;
    let mut predicted = applied(&target, old_file.as_ref(), &above, &rules);
    match would_publish(dir, &above, target.name(), &rules) {
        Ok(()) => {}
        Err(os) if os.errno == libc::EBUSY && rules.in_place => {
            would_write_over(dir, target.name(), &rules, &mut predicted)?;
        }
        Err(os) => {
            let temporary = target.full_path(ANY_TEMPORARY);
            let error = Error::System {
                os,
                temporary: Some(temporary.clone()),
            };
            // A temporary can be created in an append-only directory, and not removed from it.
            if sys::attributes(dir).is_append_only {
                let unlink = Os {
                    errno: sys::EPERM,
                    syscall: "unlink",
                };
                return Err(error.leaving(|remains| remains.temporary = Some((temporary, unlink))));
            }
            return Err(error);
        }
    }
    Ok(predicted)
}

/// Predicts a write that creates missing parents first. A path without a final name (`a/..`)
/// creates none, and returns `error`.
fn with_parents(
    scope: &Scope<'_>,
    raw: &[u8],
    rules: &Rules,
    error: Error,
) -> Result<PredictedWrite, Error> {
    let located = scope.locate(raw)?;
    let Some((parent, _)) = path::split(&located.text) else {
        return Err(error);
    };
    match make_dirs::look_up(scope, parent, Last::Follow)? {
        Lookup::Found(_) => Err(Error::refused(Code::PathMismatch, "retries")),
        Lookup::Missing(top, _) => {
            would_create(top.fd.as_fd(), "mkdir")?;
            refuse_full(top.fd.as_fd())?;
            Ok(PredictedWrite {
                created: true,
                mode: rules.mode.unwrap_or(rules.new_file_mode),
                durable: rules.durable,
                preserved: None,
            })
        }
    }
}

/// Returns ENOSPC where no block is free: content needs one.
fn refuse_full(dir: BorrowedFd<'_>) -> Result<(), Error> {
    if is_full(&sys::volume(dir)?) {
        return Err(Os {
            errno: libc::ENOSPC,
            syscall: "write",
        }
        .into());
    }
    Ok(())
}

/// Replaces the random name of a temporary in messages.
const ANY_TEMPORARY: &[u8] = b".holdfast-*.tmp";

/// Predicts whether the new file could be published under the name, over an existing file.
fn would_publish(dir: BorrowedFd<'_>, above: &Stat, name: &[u8], rules: &Rules) -> Result<(), Os> {
    let refused = |errno| {
        Err(Os {
            errno,
            syscall: "rename",
        })
    };
    let is_append_only = sys::attributes(dir).is_append_only;
    let Ok(old) = sys::open_at(dir, name, OFlag::O_PATH | OFlag::O_NOFOLLOW) else {
        // Names can be added there but not changed: only an unnamed temporary can be published.
        let has_name = !sys::link_fd_works()
            || sys::locality(dir)? == Locality::Remote
            || rules.durable != Durable::No && !metadata::locality::syncs_links(dir, above);
        return if is_append_only && has_name {
            refused(sys::EPERM)
        } else {
            Ok(())
        };
    };
    if is_append_only {
        return refused(sys::EPERM);
    }
    would_unname(dir, above, old.as_fd(), "rename")
}

/// Predicts whether the content of a file that cannot be renamed over could be overwritten.
fn would_write_over(
    dir: BorrowedFd<'_>,
    name: &[u8],
    rules: &Rules,
    predicted: &mut PredictedWrite,
) -> Result<(), Error> {
    let old = sys::open_at(dir, name, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
    sys::access(old.as_fd(), sys::MAY_READ | sys::MAY_WRITE).map_err(|os| Os {
        syscall: "open",
        ..os
    })?;
    let stat = sys::fstat(old.as_fd())?;
    check_overwritable(&stat)?;
    predicted.mode = rules.mode.unwrap_or(stat.mode & 0o777);
    predicted.preserved = Some(Preserved {
        mode: predicted.mode == stat.permissions(),
        acl: rules.mode.is_none(),
        owner: true,
    });
    Ok(())
}

/// Predicts owner, ACL and mode, by the rules of `ops::write::apply_metadata`.
fn applied(
    target: &WriteTarget,
    old_file: Option<&OldFile>,
    above: &Stat,
    rules: &Rules,
) -> PredictedWrite {
    let durable = match rules.durable {
        Durable::Full if !target.can_sync() => Durable::No,
        other => other,
    };
    let Some(OldFile { stat, acl }) = old_file else {
        return PredictedWrite {
            created: true,
            mode: rules.mode.unwrap_or(rules.new_file_mode),
            durable,
            preserved: None,
        };
    };
    let first_group = if above.hands_group_on() {
        above.gid
    } else {
        sys::effective_group()
    };
    let may_give_away = is_capable(sys::CAP_CHOWN, stat);
    let keeps_user = metadata::is_own(stat.uid) || may_give_away;
    let keeps_group = metadata::is_mapped_group(stat.gid)
        && (first_group == stat.gid || may_give_away || is_member(stat.gid));
    let keeps_acl = acl.as_ref().is_none_or(Acl::is_known);
    let old = stat.mode & 0o777;
    let mode = rules
        .mode
        .unwrap_or_else(|| metadata::kept_bits(old, acl.as_ref(), keeps_acl, keeps_group));
    let is_same_acl = acl.as_ref().is_none_or(|acl| {
        keeps_acl && (keeps_group || acl.for_another_group() == *acl && mode == old)
    });
    PredictedWrite {
        created: false,
        mode,
        durable,
        preserved: Some(Preserved {
            mode: mode == stat.permissions(),
            acl: rules.mode.is_none() && is_same_acl,
            owner: keeps_user && keeps_group,
        }),
    }
}
