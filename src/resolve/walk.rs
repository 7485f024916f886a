//! The resolver in user space: one component after the other, each opened beneath the last.
//!
//! It serves where `openat2` is missing, and judges links for [`Policy::FollowTrusted`], which
//! the kernel cannot. No component is opened through a link: links are read, by the descriptor
//! of the link itself, and their target is walked in turn. `..` goes back to a directory that
//! was walked through, so that the walk never climbs out of where it started.
//!
//! Weaker than the kernel in one thing: a directory that is moved out of the root in mid-walk is
//! still walked.

use super::{Found, Last, Policy, Scope};
use crate::error::{Code, Error, Os};
use crate::path;
use crate::permission;
use crate::sys::{self, OFlag, Stat};
use nix::fcntl::AT_FDCWD;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Links that one path may cross, as in the kernel (path_resolution(7)).
const LINKS: u32 = 40;

/// Steps that may find a name changed since the step before, until the path is given up.
const CHANGES: u32 = 128;

pub(super) fn open(
    scope: &Scope<'_>,
    text: &[u8],
    flags: OFlag,
    last: Last,
) -> Result<Found, Error> {
    let start = match scope.root {
        Some(root) => Start::Root(root.directory()),
        None => Start::FileSystem(sys::open_at(
            AT_FDCWD,
            b"/",
            OFlag::O_PATH | OFlag::O_DIRECTORY,
        )?),
    };
    Walk {
        start,
        policy: scope.policy,
        passed: Vec::new(),
        todo: Vec::new(),
        links: 0,
        changes: 0,
    }
    .run(text, flags, last)
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
    /// The directories walked through, the current one last. Where no `..` can come, the last
    /// one is enough, and one descriptor is held however deep the path.
    passed: Vec<OwnedFd>,
    /// Components still to come, the next one last.
    todo: Vec<Vec<u8>>,
    links: u32,
    changes: u32,
}

/// What one step found.
enum Step {
    Opened(OwnedFd),
    /// A link was read, and its target is what comes next; or the same name is tried again.
    Redirected,
}

impl Walk {
    fn run(mut self, text: &[u8], flags: OFlag, last: Last) -> Result<Found, Error> {
        self.expect(text);
        while let Some(name) = self.todo.pop() {
            let is_last = self.todo.is_empty();
            if name == b".." {
                self.climb()?;
            } else if name == b"." {
                continue;
            } else if is_last {
                if let Step::Opened(fd) = self.open_last(&name, flags, last)? {
                    return Ok(self.found(fd));
                }
            } else if let Step::Opened(fd) = self.open_directory(&name)? {
                self.enter(fd);
            }
        }
        // Nothing names a file: the path was the start itself, or ended in `..`.
        let fd = sys::open_at(self.here(), b".", flags)?;
        Ok(self.found(fd))
    }

    fn found(&self, fd: OwnedFd) -> Found {
        Found {
            fd,
            is_exact: self.links == 0,
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

    /// Puts the components of a path, or of a link's target, before what is still to come.
    fn expect(&mut self, text: &[u8]) {
        self.todo
            .extend(path::components(text).rev().map(<[u8]>::to_vec));
    }

    fn climb(&mut self) -> Result<(), Error> {
        match (self.passed.pop(), &self.start) {
            // At the top of the file system, `..` stays there.
            (Some(_), _) | (None, Start::FileSystem(_)) => Ok(()),
            (None, Start::Root(_)) => Err(answer(sys::EXDEV)),
        }
    }

    fn open_directory(&mut self, name: &[u8]) -> Result<Step, Error> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        match sys::open_at(self.here(), name, flags) {
            Ok(fd) => Ok(Step::Opened(fd)),
            Err(os) if os.errno == sys::ENOTDIR => self.follow(name, os),
            Err(os) => Err(os.into()),
        }
    }

    fn open_last(&mut self, name: &[u8], flags: OFlag, last: Last) -> Result<Step, Error> {
        let opened = sys::open_at(self.here(), name, flags | OFlag::O_NOFOLLOW);
        match (opened, last) {
            (Ok(fd), Last::Follow)
                if flags.contains(OFlag::O_PATH) && sys::status(fd.as_fd())?.is_symlink() =>
            {
                self.follow(
                    name,
                    Os {
                        errno: sys::ELOOP,
                        syscall: "open",
                    },
                )
            }
            (Ok(fd), _) => Ok(Step::Opened(fd)),
            (Err(os), Last::Follow) if matches!(os.errno, sys::ELOOP | sys::ENOTDIR) => {
                self.follow(name, os)
            }
            (Err(os), _) => Err(os.into()),
        }
    }

    /// Reads a link where the policy allows it. `otherwise` is the answer for what is no link.
    fn follow(&mut self, name: &[u8], otherwise: Os) -> Result<Step, Error> {
        let object = sys::open_at(self.here(), name, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        let link = sys::status(object.as_fd())?;
        if !link.is_symlink() {
            // A link was there a moment ago if that was the answer, and if a directory is now.
            return if otherwise.errno == sys::ELOOP || link.is_directory() {
                self.try_again(name, otherwise)
            } else {
                Err(otherwise.into())
            };
        }
        self.links += 1;
        if self.policy == Policy::Reject || self.links > LINKS {
            return Err(answer(sys::ELOOP));
        }
        if self.policy == Policy::FollowTrusted {
            let directory = sys::status(self.here())?;
            if !permission::is_trusted_link(&link, &directory) {
                return Err(Error::refused(Code::Symlink, "untrusted"));
            }
        }
        let target = sys::read_link_at(object.as_fd(), b"")?;
        if is_magic(&link, &target) && sys::is_pseudo_file_system(object.as_fd())? {
            return Err(answer(sys::ELOOP));
        }
        if target.starts_with(b"/") {
            match self.start {
                Start::Root(_) => return Err(answer(sys::EXDEV)),
                Start::FileSystem(_) => self.passed.clear(),
            }
        }
        if path::bare(&target).1 {
            // As in the kernel, a link to `name/` names a directory and nothing else.
            self.todo.push(b".".to_vec());
        }
        self.expect(&target);
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

/// Whether a link of procfs may be a magic one: those read as an absolute path or as `pipe:[1]`,
/// and lead elsewhere than that text; the ordinary ones, such as `self`, are relative.
fn is_magic(link: &Stat, target: &[u8]) -> bool {
    link.has_no_device() && (target.starts_with(b"/") || target.contains(&b':'))
}

fn answer(errno: i32) -> Error {
    Os {
        errno,
        syscall: "open",
    }
    .into()
}
