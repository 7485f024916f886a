//! Creates the missing directories of a path, each through the descriptor of its parent.
//!
//! Not protected: between `mkdirat` and the open that follows, a user with write permission on the
//! parent can replace the new directory. The opened directory gets bits added for group or others
//! only if it is our own and has no bit beyond the mode; where others may rename in the parent, only if
//! it is empty, too. Another such directory of ours cannot be distinguished from the new one.

mod failures;
mod new_mode;
mod owner_bits;
mod unpublished;

use crate::error::{Code, Error, Os};
use crate::path;
use crate::resolve::{Found, Last, STALE_AFTER, Scope, refuse_reserved};
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, SEARCH_ONLY};
use failures::{check_place, directory_now, missing_target};
pub(crate) use failures::{classify_creation, without_name};
use new_mode::{add_bits_taken_by_umask, remove_inherited_acl};
use std::time::Instant;
use unpublished::{OpenNew, Outcome};

/// A directory, and whether it was created.
pub(crate) struct Made {
    pub(crate) found: Found,
    pub(crate) first_created: Option<Vec<u8>>,
    pub(crate) is_new: bool,
    /// The errno of a `chmod` that could not add the bits the umask removed.
    pub(crate) refused: Option<i32>,
}

/// Called with each directory in which one was created.
type OnMade<'a> = &'a mut dyn FnMut(BorrowedFd<'_>) -> Result<(), Error>;

/// Opens a directory, and creates its missing components. Calls `on_made` with each directory in
/// which one was created, for callers that sync them.
#[inline(always)]
pub(crate) fn open_or_make(
    scope: &Scope<'_>,
    text: &[u8],
    mode: u32,
    last: Last,
    on_made: OnMade<'_>,
) -> Result<Made, Error> {
    match scope.open(text, SEARCH_ONLY, last) {
        Ok(found) => Ok(there(found)),
        Err(error) => make(scope, text, mode, last, on_made, error),
    }
}

fn there(found: Found) -> Made {
    Made {
        found,
        is_new: false,
        refused: None,
        first_created: None,
    }
}

/// Creates the missing components after a first open failed with `error`.
fn make(
    scope: &Scope<'_>,
    text: &[u8],
    mode: u32,
    last: Last,
    on_made: OnMade<'_>,
    error: Error,
) -> Result<Made, Error> {
    /// Rounds before the call gives up on a tree that keeps changing.
    const ROUNDS: u32 = 128;
    let began = Instant::now();
    let mut first_created = None;
    let mut obstacle = None;
    let mut look = Err(error);
    for _ in 0..ROUNDS {
        match look {
            Ok(found) => {
                return Ok(Made {
                    first_created,
                    ..there(found)
                });
            }
            Err(error) if error.errno() == Some(sys::ENOENT) => {
                if let Some((top, missing)) = existing_part(scope, text)? {
                    refuse_names(scope, text, &missing)?;
                    let new = New {
                        text,
                        ends: &missing,
                        mode,
                        open: open_new,
                    };
                    match make_below(top.fd, &new, &mut first_created, on_made)? {
                        Below::Made(fd, refused) => {
                            let is_exact = top.is_exact;
                            let mut found = Found { fd, is_exact };
                            if began.elapsed() >= STALE_AFTER {
                                check_place(scope, text, last, &found)?;
                                // A link on the way may lead there by now.
                                found.is_exact = false;
                            }
                            return Ok(Made {
                                found,
                                is_new: true,
                                refused,
                                first_created,
                            });
                        }
                        Below::Changed => obstacle = None,
                        // An error only if the next round finds the same obstacle; otherwise it was
                        // a race.
                        Below::Obstacle(error) if obstacle.as_ref() == Some(&error) => {
                            return Err(error);
                        }
                        Below::Obstacle(error) => obstacle = Some(error),
                    }
                }
            }
            Err(error) => {
                if let Some(found) = directory_now(scope, text, last, error)? {
                    return Ok(Made {
                        first_created,
                        ..there(found)
                    });
                }
            }
        }
        look = scope.open(text, SEARCH_ONLY, last);
    }
    Err(Error::refused(Code::PathMismatch, "retries"))
}

/// The result of [`look_up`].
pub(crate) enum Lookup {
    Found(Found),
    /// The longest existing part, and the end offset of each missing component.
    Missing(Found, Vec<usize>),
}

/// Finds a directory as [`open_or_make`] does, but creates nothing.
pub(crate) fn look_up(scope: &Scope<'_>, text: &[u8], last: Last) -> Result<Lookup, Error> {
    /// Rounds before the call gives up on a tree that keeps changing.
    const ROUNDS: u32 = 16;
    for _ in 0..ROUNDS {
        match scope.open(text, SEARCH_ONLY, last) {
            Ok(found) => return Ok(Lookup::Found(found)),
            Err(error) if error.errno() == Some(sys::ENOENT) => {}
            Err(error) => match directory_now(scope, text, last, error)? {
                Some(found) => return Ok(Lookup::Found(found)),
                None => continue,
            },
        }
        let Some((top, missing)) = existing_part(scope, text)? else {
            continue;
        };
        refuse_names(scope, text, &missing)?;
        let first = missing.first().and_then(|&end| path::split(&text[..end]));
        return match first.map(|(_, name)| sys::fstatat(top.fd.as_fd(), name)) {
            Some(Ok(stat)) if stat.is_symlink() => Err(missing_target()),
            Some(Ok(_)) => continue,
            _ => Ok(Lookup::Missing(top, missing)),
        };
    }
    Err(Error::refused(Code::PathMismatch, "retries"))
}

/// Returns whether a dangling symlink on the way is why a directory is missing.
pub(crate) fn leads_to_nothing(scope: &Scope<'_>, text: &[u8]) -> bool {
    let refusal = look_up(scope, text, Last::Follow).err();
    matches!(refusal, Some(Error::Refused(refusal)) if refusal.detail == "dangling")
}

/// The result of creating the missing directories.
enum Below {
    /// With the errno of a `chmod` that could not add the bits the umask removed.
    Made(OwnedFd, Option<i32>),
    /// The tree changed, or another process created the last directory: start another round.
    Changed,
    /// A file or symlink seems to be in the way.
    Obstacle(Error),
}

/// Returns the longest existing part of a path, and the end offset of each component below it;
/// `None` when the path changed meanwhile.
fn existing_part(scope: &Scope<'_>, text: &[u8]) -> Result<Option<(Found, Vec<usize>)>, Error> {
    let mut missing = Vec::new();
    // The parent of `new//x` is `new/`: here as below, repeated slashes and `.` name nothing.
    let mut rest = path::bare(text).0;
    loop {
        let Some((parent, name)) = path::split(rest) else {
            // `missing/..` has no meaning while `missing` does not exist.
            let os = Os {
                errno: sys::ENOENT,
                syscall: "mkdir",
            };
            return Err(Error::refused_by(Code::NotFound, "missing", os));
        };
        if !name.is_empty() {
            missing.push(rest.len());
        }
        rest = match path::bare(parent).0 {
            b"" => b".",
            parent => parent,
        };
        match scope.open(rest, SEARCH_ONLY, Last::Follow) {
            Ok(found) => {
                missing.reverse();
                return Ok(Some((found, missing)));
            }
            Err(error) if error.errno() == Some(sys::ENOENT) => {}
            Err(error) => {
                let found = directory_now(scope, rest, Last::Follow, error)?;
                missing.reverse();
                return Ok(found.map(|found| (found, missing)));
            }
        }
    }
}

fn open_new(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    sys::open_at(parent, name, SEARCH_ONLY | OFlag::O_NOFOLLOW)
}

/// The directories to create.
struct New<'a> {
    text: &'a [u8],
    /// The end of each in the text, the topmost first.
    ends: &'a [usize],
    mode: u32,
    open: OpenNew,
}

/// Creates missing directories beneath an open one for a thread that must not wait: without other
/// rounds, and each is opened by `open`. `None` where the ordinary rounds are needed.
///
/// Sets `first_created` also where it fails.
#[cfg(target_os = "linux")]
pub(crate) fn make_in_one_round(
    scope: &Scope<'_>,
    top: OwnedFd,
    (text, ends): (&[u8], &[usize]),
    mode: u32,
    open: OpenNew,
    first_created: &mut Option<Vec<u8>>,
) -> Option<Made> {
    refuse_names(scope, text, ends).ok()?;
    let new = New {
        text,
        ends,
        mode,
        open,
    };
    match make_below(top, &new, first_created, &mut |_| Ok(())) {
        Ok(Below::Made(fd, refused)) => Some(Made {
            found: Found { fd, is_exact: true },
            is_new: true,
            refused,
            first_created: first_created.clone(),
        }),
        Ok(Below::Changed | Below::Obstacle(_)) | Err(_) => None,
    }
}

/// Creates the missing directories, one below the other.
fn make_below(
    top: OwnedFd,
    new: &New<'_>,
    first_created: &mut Option<Vec<u8>>,
    on_made: &mut dyn FnMut(BorrowedFd<'_>) -> Result<(), Error>,
) -> Result<Below, Error> {
    let &New {
        text, ends, mode, ..
    } = new;
    let mut dir = top;
    let mut is_new = false;
    let mut refused = None;
    for &end in ends {
        let Some((_, name)) = path::split(&text[..end]) else {
            return Ok(Below::Changed);
        };
        if unpublished::is_wanted(mode)
            && let Outcome::Published(next, errno) =
                unpublished::make(dir.as_fd(), name, mode, new.open)?
        {
            first_created.get_or_insert_with(|| text[..end].to_vec());
            on_made(dir.as_fd())?;
            (dir, is_new, refused) = (next, true, errno);
            continue;
        }
        is_new = match sys::make_dir_at(dir.as_fd(), name, mode) {
            Ok(()) => true,
            Err(os) if os.errno == sys::EEXIST => false,
            // The directory was removed; for the root's own directory that is final.
            Err(os) if os.errno == sys::ENOENT => {
                return Ok(Below::Obstacle(classify_creation(dir.as_fd(), os)));
            }
            Err(os) => return Err(os.into()),
        };
        let next = match (new.open)(dir.as_fd(), name) {
            Ok(next) => next,
            Err(os) if os.errno == sys::ENOENT => return Ok(Below::Changed),
            Err(os) if matches!(os.errno, sys::ENOTDIR | sys::ELOOP) => {
                return Ok(match sys::fstatat(dir.as_fd(), name) {
                    Ok(stat) if stat.is_symlink() => Below::Obstacle(missing_target()),
                    _ => Below::Changed,
                });
            }
            Err(os) => {
                if is_new {
                    first_created.get_or_insert_with(|| text[..end].to_vec());
                }
                return Err(os.into());
            }
        };
        if is_new {
            first_created.get_or_insert_with(|| text[..end].to_vec());
            refused = add_bits_taken_by_umask(dir.as_fd(), next.as_fd(), mode)?;
            refused = remove_inherited_acl(dir.as_fd(), next.as_fd(), mode)?.or(refused);
            on_made(dir.as_fd())?;
        }
        dir = next;
    }
    Ok(if is_new {
        Below::Made(dir, refused)
    } else {
        Below::Changed
    })
}

/// Refuses names that are too long for every file system, and reserved names beneath a root, before
/// any directory is created.
fn refuse_names(scope: &Scope<'_>, text: &[u8], ends: &[usize]) -> Result<(), Error> {
    if scope.root.is_some() {
        for (_, name) in ends.iter().filter_map(|&end| path::split(&text[..end])) {
            refuse_reserved(name)?;
        }
    }
    let is_long =
        |&end: &usize| path::split(&text[..end]).is_some_and(|(_, name)| path::is_too_long(name));
    if ends.iter().any(is_long) {
        return Err(Os {
            errno: sys::ENAMETOOLONG,
            syscall: "mkdir",
        }
        .into());
    }
    Ok(())
}
