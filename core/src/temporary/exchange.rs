//! Publication by an exchange of two names, which shows what was replaced: that has the name of the temporary then.

use super::leftover::{Leftover, note, path_now};
use super::{RECOVERY_SUFFIX, Temporary, cannot_rename_new, with_random_name};
use crate::error::Os;
use crate::sys::{self, AsFd, Stat};

/// The outcome of an exchange.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The file has its final name, and the one that was expected there is removed.
    Published,
    /// Nothing, or another file than expected, had the final name. Nothing was published.
    Conflict,
    /// As [`super::Attempt::NeedsNamedCopy`].
    NeedsNamedCopy,
    /// The file system cannot exchange names. Nothing was changed.
    Unsupported,
    /// The file was published over another one than expected, which could not be undone. The other one
    /// has its name again, or is kept under this one.
    Displaced(Option<Leftover>),
    /// The file was published. What it replaced was removed since, and may be another file than expected.
    Unseen,
}

impl Temporary {
    /// Publishes this file, with `own` stat and `size`, over the one that `is_expected` under the final
    /// name, and over nothing else. Never removes another file. `is_expected` gets the name that the file
    /// has now, and its stat; `None` where it was removed since.
    pub(crate) fn publish_exchanged(
        &mut self,
        name: &[u8],
        (own, size): (&Stat, u64),
        is_expected: impl FnOnce(&[u8], Option<&Stat>) -> bool,
    ) -> Result<Exchange, Os> {
        if !self.prepare_rename()? {
            return Ok(Exchange::NeedsNamedCopy);
        }
        let dir = self.dir.as_fd();
        let temporary = self.name.take().unwrap_or_default();
        if let Err(os) = sys::exchange(dir, &temporary, name) {
            let is_own_there = || sys::fstatat(dir, &temporary).is_ok();
            let outcome = match os {
                os if is_refused(os) => Ok(Exchange::Unsupported),
                Os { errno, .. } if errno == sys::ENOENT && is_own_there() => {
                    Ok(Exchange::Conflict)
                }
                os => Err(os),
            };
            self.name = Some(temporary);
            return outcome;
        }
        let seen = sys::fstatat(dir, &temporary);
        let is_removed = matches!(seen, Err(os) if os.errno == sys::ENOENT);
        if (seen.is_ok() || is_removed) && is_expected(&temporary, seen.as_ref().ok()) {
            // A failure leaves the old content there. What was asked for is done.
            if let Err(os) = sys::unlink_at(dir, &temporary)
                && os.errno != sys::ENOENT
            {
                note((path_now(dir, &temporary), os));
            }
            return Ok(Exchange::Published);
        }
        if is_removed {
            return Ok(Exchange::Unseen);
        }
        if let Err(os) = sys::exchange(dir, &temporary, name) {
            // What was published has been moved away or removed.
            return Ok(Exchange::Displaced(
                sys::rename_new(dir, &temporary, dir, name)
                    .is_err()
                    .then(|| self.keep_other(temporary, os)),
            ));
        }
        match sys::fstatat(dir, &temporary) {
            Ok(stat) if stat.is_same_object(own) && stat.size == size => {
                self.name = Some(temporary);
                seen.map(|_| Exchange::Conflict)
            }
            // A third file, or one that was written after it was published.
            looked => {
                let os = looked.err().unwrap_or(Os {
                    errno: sys::EEXIST,
                    syscall: "rename",
                });
                Ok(Exchange::Displaced(Some(self.keep_other(temporary, os))))
            }
        }
    }

    /// Gives another program's file under the temporary's name one that is not taken for stale.
    fn keep_other(&self, temporary: Vec<u8>, os: Os) -> Leftover {
        let dir = self.dir.as_fd();
        let renamed = with_random_name(RECOVERY_SUFFIX, |name| {
            sys::rename_new(dir, &temporary, dir, name)
        });
        let name = renamed.map_or(temporary, |(name, ())| name);
        (path_now(dir, &name), os)
    }
}

/// Returns whether the file system, a filter or a security module may refuse the exchange alone: a rename
/// shows whether it refuses that too.
fn is_refused(os: Os) -> bool {
    matches!(os.errno, sys::EPERM | sys::EACCES) || cannot_rename_new(os)
}
