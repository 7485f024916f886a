//! Returns the stat of a path without opening the file.

use crate::error::{Code, Error, Os};
use crate::resolve::{Last, Scope, classify};
use crate::sys::{self, Stat};

/// Returns the stat of a path. A final symlink is followed as the policy allows.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`]; [`Code::NotFound`], also
/// for a path beneath a file; [`Code::NotDirectory`] for a file whose path ends in `/`; otherwise
/// what the system returned.
pub fn stat(scope: &Scope<'_>, raw: &[u8]) -> Result<Stat, Error> {
    let located = scope.locate(raw)?;
    let found = scope
        .stat(&located.text, Last::Follow)
        .map_err(classify_stat)?;
    if located.names_directory && !found.is_directory() {
        return Err(Error::refused(Code::NotDirectory, found.kind_word()));
    }
    Ok(found)
}

/// Classifies an error, and replaces the system call by the one that `node:fs` reports.
pub(crate) fn classify_stat(error: Error) -> Error {
    let by_stat = |os: Os| Os {
        syscall: "stat",
        ..os
    };
    match error {
        Error::System { os, .. } if os.errno == sys::ENOTDIR => {
            Error::refused_by(Code::NotFound, "parent", by_stat(os))
        }
        error => match classify(error) {
            Error::System { os, temporary } => Error::System {
                os: by_stat(os),
                temporary,
            },
            Error::Refused(mut refusal) => {
                refusal.os = refusal.os.map(by_stat);
                Error::Refused(refusal)
            }
        },
    }
}
