//! The resolver in user space: opens one component after the other, each beneath the last.
//!
//! It is used where `openat2` is missing, and for [`Policy::FollowTrusted`], since the kernel
//! cannot check the owner of a symlink. No component is opened through a symlink: a symlink is read
//! by its own descriptor, checked by [`link_policy`], and its target is walked in turn. `..`
//! returns to a directory that the walk has passed, so the walk never climbs above its start.
//!
//! It is weaker than the kernel in two points:
//!
//! - A directory that is moved out of the root during the walk is still walked.
//! - Where symlinks may be followed, each directory on the way takes a descriptor.

use super::link_policy::{self, MAX_LINKS};
use super::scope::{Found, Last, Policy, Scope, TOO_LONG};
use crate::error::{Code, Error, Os};
use crate::path;
use crate::sys::{self, AsFd, BorrowedFd, Link, OFlag, OwnedFd, Stat};

/// Represents a `/` at the end of a symlink's target. Unlike `.` it is no component: the name
/// before it is still the last one.
const SLASH: &[u8] = b"/";

/// Steps that may find a changed name before the walk gives up on the path.
const CHANGES: u32 = 128;

pub(super) fn open(
    scope: &Scope<'_>,
    text: &[u8],
    flags: OFlag,
    last: Last,
) -> Result<Found, Error> {
    Walk::new(scope, text)?.open(flags, last)
}

/// Returns the stat of a path, for systems without `O_PATH`.
pub(super) fn stat(scope: &Scope<'_>, text: &[u8], last: Last) -> Result<Stat, Error> {
    Walk::new(scope, text)?.stat(last)
}

enum Start {
    Root(std::sync::Arc<OwnedFd>),
    FileSystem(OwnedFd),
}

impl Start {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(dir) => dir.as_fd(),
            Self::FileSystem(dir) => dir.as_fd(),
        }
    }
}

struct Walk {
    start: Start,
    policy: Policy,
    /// The directories that the walk has passed, the current one last. Without any `..` to come,
    /// only the last one is kept: one descriptor for a path of any depth.
    passed: Vec<OwnedFd>,
    /// Components still to come, the next one last.
    todo: Vec<Vec<u8>>,
    links: u32,
    changes: u32,
}

/// The result of one step.
enum Step {
    Opened(OwnedFd),
    /// A symlink was read, and its target comes next; or the same name is tried again.
    Redirected,
}

impl Walk {
    fn new(scope: &Scope<'_>, text: &[u8]) -> Result<Self, Error> {
        if text.len() >= TOO_LONG {
            // A walk has no limit on the length of a path; an open of the whole path does.
            return Err(refused(sys::ENAMETOOLONG).into());
        }
        let (start, skip) = match scope.root {
            Some(root) => (Start::Root(root.directory()), 0),
            None => {
                let (top, skip) = sys::open_top(text)?;
                (Start::FileSystem(top), skip)
            }
        };
        let mut walk = Self {
            start,
            policy: scope.policy,
            passed: Vec::new(),
            todo: Vec::new(),
            links: 0,
            changes: 0,
        };
        walk.expect(&text[skip..]);
        Ok(walk)
    }

    fn open(mut self, flags: OFlag, last: Last) -> Result<Found, Error> {
        while let Some(name) = self.walk_to_last()? {
            if let Step::Opened(fd) = self.open_last(&name, flags, last)? {
                return Ok(self.found(fd));
            }
        }
        let fd = sys::open_at(self.here(), b".", flags)?;
        Ok(self.found(fd))
    }

    fn stat(mut self, last: Last) -> Result<Stat, Error> {
        while let Some(name) = self.walk_to_last()? {
            let stat = sys::statx_at(self.here(), &name)?;
            if last == Last::Keep || !stat.is_symlink() {
                return Ok(stat);
            }
            if let Step::Opened(dir) = self.follow(&name, refused(sys::ELOOP), sys::SEARCH_ONLY)? {
                return Ok(sys::statx(dir.as_fd())?);
            }
        }
        Ok(sys::statx(self.here())?)
    }

    /// Walks until one name is left. Returns `None` where the path is the start itself, or ends in
    /// `..`.
    fn walk_to_last(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(name) = self.todo.pop() {
            if name == b".." {
                self.climb()?;
            } else if name == b"." || name == SLASH {
                continue;
            } else if self.todo.is_empty() {
                return Ok(Some(name));
            } else if let Step::Opened(fd) = self.open_directory(&name)? {
                self.enter(fd);
            }
        }
        Ok(None)
    }

    fn found(&self, fd: OwnedFd) -> Found {
        Found {
            fd,
            is_exact: self.links == 0 && sys::NAMES_ARE_EXACT,
        }
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.passed
            .last()
            .map_or_else(|| self.start.as_fd(), AsFd::as_fd)
    }

    fn enter(&mut self, dir: OwnedFd) {
        if self.policy == Policy::Reject {
            self.passed.clear();
        }
        self.passed.push(dir);
    }

    /// Pushes the components of a path, or of a symlink's target, in front of those still to come.
    fn expect(&mut self, text: &[u8]) {
        self.todo
            .extend(path::components(text).rev().map(<[u8]>::to_vec));
    }

    fn climb(&mut self) -> Result<(), Error> {
        match (self.passed.pop(), &self.start) {
            // `..` at the top of the file system stays there.
            (Some(_), _) | (None, Start::FileSystem(_)) => Ok(()),
            (None, Start::Root(_)) => Err(refused(sys::EXDEV).into()),
        }
    }

    fn open_directory(&mut self, name: &[u8]) -> Result<Step, Error> {
        match sys::open_at(self.here(), name, sys::SEARCH_ONLY | OFlag::O_NOFOLLOW) {
            Ok(fd) => Ok(Step::Opened(fd)),
            // Systems differ in which errno they return for a symlink.
            Err(os) if matches!(os.errno, sys::ENOTDIR | sys::ELOOP) => {
                self.follow(name, os, sys::SEARCH_ONLY)
            }
            Err(os) => Err(os.into()),
        }
    }

    fn open_last(&mut self, name: &[u8], flags: OFlag, last: Last) -> Result<Step, Error> {
        let opened = sys::open_at(self.here(), name, flags | OFlag::O_NOFOLLOW);
        match (opened, last) {
            (Ok(fd), Last::Follow)
                if sys::PATH_ONLY.is_some_and(|path_only| flags.contains(path_only))
                    && sys::fstat(fd.as_fd())?.is_symlink() =>
            {
                self.follow(name, refused(sys::ELOOP), flags)
            }
            (Ok(fd), _) => Ok(Step::Opened(fd)),
            (Err(os), Last::Follow) if matches!(os.errno, sys::ELOOP | sys::ENOTDIR) => {
                self.follow(name, os, flags)
            }
            (Err(os), _) => Err(os.into()),
        }
    }

    /// Reads a symlink where the policy allows it. Returns `otherwise` for anything but a symlink
    /// or a directory.
    fn follow(&mut self, name: &[u8], otherwise: Os, flags: OFlag) -> Result<Step, Error> {
        let Link {
            stat,
            target,
            directory,
        } = sys::read_link(self.here(), name)?;
        if flags == sys::SEARCH_ONLY
            && let Some(directory) = directory
        {
            return Ok(Step::Opened(directory));
        }
        let Some(target) = target else {
            // ELOOP, or a directory found now: the symlink was replaced meanwhile.
            return if otherwise.errno == sys::ELOOP || stat.is_directory() {
                self.try_again(name, otherwise)
            } else {
                Err(otherwise.into())
            };
        };
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(refused(sys::ELOOP).into());
        }
        let is_last = self.todo.iter().all(|name| name == SLASH);
        let target = link_policy::allowed_target(self.policy, &stat, target, self.here(), is_last)?;
        let mut skip = 0;
        if target.starts_with(b"/") {
            match &mut self.start {
                Start::Root(_) => return Err(refused(sys::EXDEV).into()),
                Start::FileSystem(top) if sys::HAS_DRIVES => {
                    (*top, skip) = sys::open_top(&target)?;
                }
                Start::FileSystem(_) => {}
            }
            self.passed.clear();
        }
        // As in the kernel, a symlink to `name/` names a directory and nothing else.
        let (bare, names_directory) = path::bare(&target);
        if names_directory {
            let is_slash = target[bare.len()..].iter().all(|&byte| byte == b'/');
            self.todo.push(if is_slash { SLASH } else { b"." }.to_vec());
        }
        self.expect(&target[skip..]);
        Ok(Step::Redirected)
    }

    fn try_again(&mut self, name: &[u8], otherwise: Os) -> Result<Step, Error> {
        self.changes += 1;
        if self.changes > CHANGES {
            return Err(Error::refused_by(Code::PathMismatch, "retries", otherwise));
        }
        self.todo.push(name.to_vec());
        Ok(Step::Redirected)
    }
}

fn refused(errno: i32) -> Os {
    Os {
        errno,
        syscall: "open",
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resolve::{Resolver, Root};
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    /// Systems without `O_PATH` stat by a walk to the last name. On Linux both ways can be
    /// compared.
    #[test]
    fn a_look_by_walking_sees_what_an_open_by_path_alone_sees() {
        let top = std::env::temp_dir().join(format!("holdfast-look-{}", std::process::id()));
        fs::create_dir_all(top.join("root/d/e")).unwrap();
        fs::write(top.join("root/f"), "x").unwrap();
        fs::write(top.join("outside"), "x").unwrap();
        for (target, name) in [
            ("f", "to-file"),
            ("d", "to-directory"),
            ("d/", "to-directory-alone"),
            ("f/", "to-file-as-directory"),
            ("nothing", "dangling"),
            ("round", "round"),
            ("../outside", "climbing"),
            ("/etc", "absolute"),
            ("../to-file", "d/back"),
        ] {
            symlink(target, top.join("root").join(name)).unwrap();
        }
        let root = Arc::new(Root::open(top.join("root").as_os_str().as_bytes()).unwrap());
        let paths = [
            ".",
            "f",
            "d",
            "d/e",
            "to-file",
            "to-directory",
            "to-directory/e",
            "to-directory-alone",
            "to-file-as-directory",
            "dangling",
            "round",
            "climbing",
            "absolute",
            "d/back",
            "d/e/..",
            "to-directory/..",
            "f/x",
            "missing",
            "missing/x",
            "d/missing",
            "round/x",
            "climbing/x",
        ];
        let mut compared = 0;
        for policy in [
            Policy::Reject,
            Policy::FollowParents,
            Policy::FollowWithinRoot,
            Policy::FollowTrusted,
        ] {
            let scope = Scope {
                root: Some(&root),
                policy,
                resolver: Resolver::Walk,
            };
            for (path, last) in paths
                .iter()
                .flat_map(|path| [(path, Last::Keep), (path, Last::Follow)])
            {
                let opened = scope.stat(path.as_bytes(), last);
                let walked = stat(&scope, path.as_bytes(), last);
                let name = |result: Result<Stat, Error>| {
                    result
                        .map(|stat| (stat.ino, stat.kind_word()))
                        .map_err(|error| (error.code(), error.errno()))
                };
                assert_eq!(
                    name(walked),
                    name(opened),
                    "{path} under {policy:?}, {last:?}"
                );
                compared += 1;
            }
        }
        assert_eq!(compared, paths.len() * 8);
        fs::remove_dir_all(top).unwrap();
    }
}
