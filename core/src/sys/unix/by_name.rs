//! Inspects an object by its name, for systems that cannot open it without acting on it.

use super::{OFlag, fstat, fstatat, open_at, read_link_at};
use crate::error::Os;
use crate::sys::types::{Link, Stat, Target};
use nix::libc;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Returns the stat of a name and, for a symlink, its target.
///
/// The symlink is stat'ed before and after it is read. A target cannot be changed, only the whole
/// symlink replaced, so an equal identity in both stats proves that it had this target.
pub(crate) fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Link, Os> {
    /// Tries before the call gives up on a symlink that keeps changing.
    const TRIES: u32 = 128;
    let mut stat = fstatat(dir, name)?;
    for _ in 0..TRIES {
        if !stat.is_symlink() {
            return Ok(Link {
                stat,
                target: None,
                directory: None,
            });
        }
        let target = read_link_at(dir, name);
        let again = fstatat(dir, name)?;
        if (again.dev, again.ino, again.changed) == (stat.dev, stat.ino, stat.changed) {
            let target = Some(Target::Path(target?));
            return Ok(Link {
                stat,
                target,
                directory: None,
            });
        }
        stat = again;
    }
    Err(Os {
        errno: libc::EAGAIN,
        syscall: "readlink",
    })
}

/// Returns the stat of a name, and a descriptor to read its ACL from. There is no descriptor where
/// reading is denied, and none for special files, on which an open could act.
pub(crate) fn open_path_only(
    dir: BorrowedFd<'_>,
    name: &[u8],
    _: bool,
) -> Result<(Option<OwnedFd>, Stat), Os> {
    let seen = fstatat(dir, name)?;
    if !seen.is_file() {
        return Ok((None, seen));
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY;
    let Ok(file) = open_at(dir, name, flags) else {
        return Ok((None, seen));
    };
    let stat = fstat(file.as_fd())?;
    Ok((Some(file), stat))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Fixture(PathBuf, OwnedFd);

    impl Fixture {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("holdfast-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            let dir = OwnedFd::from(fs::File::open(&path).unwrap());
            Self(path, dir)
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_kind_of_object_is_looked_at_without_acting_on_it() {
        let fixture = Fixture::new("by-name");
        let at = |name: &str| fixture.0.join(name);
        let dir = fixture.1.as_fd();
        fs::write(at("file"), "x").unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink("../nowhere", at("link")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(fs::metadata(at("fifo")).unwrap().file_type().is_fifo());
        for (name, kind, is_held) in [
            ("file", "file", true),
            ("directory", "directory", false),
            ("link", "symlink", false),
            // The FIFO has no writer: opening it would block.
            ("fifo", "fifo", false),
        ] {
            let (held, stat) = open_path_only(dir, name.as_bytes(), true).unwrap();
            assert_eq!(stat.kind_word(), kind, "{name}");
            assert_eq!(held.is_some(), is_held, "{name}");
            let Link { stat, target, .. } = read_link(dir, name.as_bytes()).unwrap();
            assert_eq!(stat.kind_word(), kind, "{name}");
            assert_eq!(target.is_some(), name == "link", "{name}");
        }
        let link = read_link(dir, b"link").unwrap();
        assert!(matches!(link.target, Some(Target::Path(path)) if path == b"../nowhere"));
        for result in [
            read_link(dir, b"missing").map(drop),
            open_path_only(dir, b"missing", false).map(drop),
        ] {
            assert_eq!(result.map_err(|os| os.errno), Err(libc::ENOENT));
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_target_is_that_of_the_link_that_was_looked_at_while_links_are_exchanged() {
        use nix::fcntl::{RenameFlags, renameat2};
        let fixture = Fixture::new("exchanged");
        let at = |name: &str| fixture.0.join(name);
        symlink("a", at("first")).unwrap();
        symlink("b", at("second")).unwrap();
        let targets = ["first", "second"].map(|name| {
            let link = read_link(fixture.1.as_fd(), name.as_bytes()).unwrap();
            (link.stat.ino, link.target)
        });
        let is_over = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let dir = fixture.1.as_fd();
                    let flags = RenameFlags::RENAME_EXCHANGE;
                    renameat2(dir, "first", dir, "second", flags).unwrap();
                }
            });
            let seen: Vec<Link> = std::iter::repeat_with(|| read_link(fixture.1.as_fd(), b"first"))
                .take(20_000)
                .flatten()
                .collect();
            is_over.store(true, Ordering::Relaxed);
            seen
        });
        let is_known = |link: &Link| {
            targets
                .iter()
                .any(|(ino, target)| match (&link.target, target) {
                    (Some(Target::Path(one)), Some(Target::Path(other))) => {
                        link.stat.ino == *ino && one == other
                    }
                    _ => false,
                })
        };
        assert!(!seen.is_empty());
        assert!(seen.iter().all(is_known));
    }
}
