//! What a step of a write could not remove.
//!
//! A drop returns nothing, so it leaves the fact to its thread. [`reporting_leftovers`] surrounds each
//! step of a write that may drop a temporary on that thread.

use crate::error::{Error, Os};
use crate::path;
use crate::sys::{self, BorrowedFd, OwnedFd};
use std::cell::RefCell;

/// Full path of a temporary, and why it was not removed.
pub(super) type Leftover = (Vec<u8>, Os);

thread_local! {
    /// The first one of the running step.
    static LEFTOVER: RefCell<Option<Leftover>> = const { RefCell::new(None) };
}

/// Runs a step of a write. Its error tells which temporary the step could not remove.
pub(crate) fn reporting_leftovers<T>(step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    LEFTOVER.take();
    step().map_err(|error| match LEFTOVER.take() {
        Some(leftover) => error.leaving(|remains| remains.temporary = Some(leftover)),
        None => error,
    })
}

/// Creates a file under a random name. A failed call leaves none.
pub(super) fn create_at(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<OwnedFd, Os> {
    sys::create_at(dir, name, mode).inspect_err(|os| {
        if os.errno != sys::EEXIST {
            remove_uncreated(dir, name);
        }
    })
}

/// Removes what a failed creation left under a random name. A security module may refuse the open
/// after the file was created.
fn remove_uncreated(dir: BorrowedFd<'_>, name: &[u8]) {
    if sys::fstatat(dir, name).is_err() {
        return;
    }
    if let Err(os) = sys::unlink_at(dir, name)
        && os.errno != sys::ENOENT
    {
        note((path_now(dir, name), os));
    }
}

/// Returns the path of a name in a directory, as of now; the name alone where the path of the
/// directory is unknown.
pub(super) fn path_now(dir: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    sys::fd_path(dir).map_or_else(
        |_| name.to_vec(),
        |directory| path::join(&directory, name).into_owned(),
    )
}

/// Leaves to the thread what could not be removed.
pub(super) fn note(leftover: Leftover) {
    LEFTOVER.with_borrow_mut(|noted| {
        noted.get_or_insert(leftover);
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sys::AsFd;

    #[test]
    fn what_a_failed_creation_left_is_removed_or_told() {
        let dir = std::env::temp_dir().join(format!("hf-uncreated-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let fd = std::fs::File::open(&dir).unwrap();
        std::fs::write(dir.join("file"), "").unwrap();
        remove_uncreated(fd.as_fd(), b"file");
        remove_uncreated(fd.as_fd(), b"nothing");
        assert!(!dir.join("file").exists());
        std::fs::create_dir(dir.join("directory")).unwrap();
        let failed: Result<(), Error> = reporting_leftovers(|| {
            remove_uncreated(fd.as_fd(), b"directory");
            let (errno, syscall) = (sys::EACCES, "open");
            Err(Os { errno, syscall }.into())
        });
        let Err(Error::Incomplete { remains, .. }) = failed else {
            panic!("{failed:?}");
        };
        let (path, _) = remains.temporary.unwrap();
        assert!(path.ends_with(b"/directory"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
