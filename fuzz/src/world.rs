//! Two equal trees, one for each resolver: a root, and an outside beside it.

use crate::step::{Start, Step, Text};
use holdfast_core::resolve::Root;
use holdfast_core::resolve::{Resolver, Scope};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The content that no call beneath the root may ever return.
pub const SECRET: &str = "SECRET";

/// The object at one path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// File type, permission bits, link count, and content or target.
    pub shape: String,
    /// Its identity and change time: comparable only within one tree.
    pub identity: (u64, i64, i64),
}

/// Every object beneath a directory, by its path.
pub type Tree = BTreeMap<PathBuf, Object>;

/// One of the two trees.
pub struct World {
    /// The directory with the root and the outside.
    pub base: PathBuf,
    /// The directory that calls are confined to.
    pub root: PathBuf,
    pinned: Option<Arc<Root>>,
    resolver: Resolver,
}

impl World {
    /// Creates the initial tree of a run, in a directory of its own.
    pub fn new(name: &str, resolver: Resolver, is_rooted: bool) -> io::Result<Self> {
        let base = place().join(name);
        if base.exists() {
            fs::remove_dir_all(&base)?;
        }
        let root = base.join("root");
        fs::create_dir_all(root.join("d"))?;
        fs::write(root.join("f"), "f")?;
        fs::write(root.join("d/f"), "d/f")?;
        symlink("d", root.join("l"))?;
        symlink("../outside", root.join("out"))?;
        fs::create_dir_all(base.join("outside/d"))?;
        fs::write(base.join("outside/secret"), SECRET)?;
        fs::write(base.join("outside/f"), SECRET)?;
        let pinned = if is_rooted {
            let root = Root::open(root.as_os_str().as_bytes()).map_err(io::Error::other)?;
            Some(Arc::new(root))
        } else {
            None
        };
        Ok(Self {
            base,
            root,
            pinned,
            resolver,
        })
    }

    /// Returns whether calls are confined to the root.
    #[must_use]
    pub fn is_rooted(&self) -> bool {
        self.pinned.is_some()
    }

    /// Returns the text of a path for a call or a symlink in this tree.
    #[must_use]
    pub fn text(&self, text: &Text) -> String {
        let tail = text.tail();
        match text.start {
            Start::Relative => tail,
            Start::Root => format!("{}/root/{tail}", self.base.display()),
            Start::Outside => format!("{}/outside/{tail}", self.base.display()),
        }
    }

    /// Returns the scope of a call. Without a root, a path has to be absolute and stay within the
    /// tree: see [`Self::is_safe`].
    #[must_use]
    pub fn scope(&self, policy: holdfast_core::resolve::Policy) -> Scope<'_> {
        Scope {
            root: self.pinned.as_ref(),
            policy,
            resolver: self.resolver,
        }
    }

    /// Returns the argument of a call. Without a root it is absolute: a process has one working
    /// directory, and there are two trees.
    #[must_use]
    pub fn argument(&self, text: &Text) -> String {
        let text = self.text(text);
        if self.pinned.is_some() || text.starts_with('/') {
            text
        } else {
            format!("{}/{text}", self.root.display())
        }
    }

    /// Returns whether a call without a root ends within this tree, so that fuzzing does not write
    /// elsewhere on the machine.
    #[must_use]
    pub fn is_safe(&self, argument: &str) -> bool {
        let above = self.base.as_os_str().len();
        let stays = |path: &Path| {
            path.ancestors()
                .take_while(|part| part.as_os_str().len() > above)
                .all(|part| real(part).is_none_or(|real| real.starts_with(&self.base)))
        };
        let by_text = holdfast_core::path::normalize(argument.as_bytes());
        let by_text = PathBuf::from(String::from_utf8_lossy(&by_text).into_owned());
        by_text.starts_with(&self.base) && stays(&by_text) && stays(Path::new(argument))
    }

    /// Runs a step of other programs. A step that is impossible is skipped in both trees.
    pub fn disturb(&self, step: &Step) {
        let at = |plain: &crate::step::Plain| {
            let path = self.root.join(plain.text());
            // Through a symlink a step could reach the outside; only holdfast is tested for that.
            let is_plain = |parent: &Path| {
                fs::symlink_metadata(parent).is_ok_and(|stat| stat.file_type().is_dir())
            };
            let mut parents = path.ancestors().skip(1);
            let is_plain = parents
                .by_ref()
                .take_while(|part| *part != self.root)
                .all(is_plain);
            is_plain.then_some(path)
        };
        let done = match step {
            Step::MakeDir(plain) => at(plain).map(fs::create_dir),
            Step::MakeFile(plain, content) => at(plain)
                .filter(|path| fs::symlink_metadata(path).is_err())
                .map(|path| fs::write(path, [b'0' + content % 10])),
            Step::MakeLink(plain, target) => {
                let target = self.text(target);
                at(plain).map(|path| symlink(target, path))
            }
            Step::MakeHardlink(one, other) => at(one)
                .zip(at(other))
                .map(|(one, other)| fs::hard_link(one, other)),
            Step::MakeFifo(plain) => at(plain).map(|path| {
                mkfifo(&path, Mode::from_bits_truncate(0o644)).map_err(io::Error::from)
            }),
            Step::SetMode(plain, mode) => at(plain)
                .filter(|path| fs::symlink_metadata(path).is_ok_and(|stat| !stat.is_symlink()))
                .map(|path| fs::set_permissions(path, fs::Permissions::from_mode(mode.bits()))),
            Step::Rename(one, other) => at(one)
                .zip(at(other))
                .map(|(one, other)| fs::rename(one, other)),
            Step::Remove(plain) => at(plain).map(|path| {
                if fs::symlink_metadata(&path)?.is_dir() {
                    fs::remove_dir_all(path)
                } else {
                    fs::remove_file(path)
                }
            }),
            _ => None,
        };
        // The trees, which are compared, show whether the step succeeded.
        drop(done);
    }

    /// Takes a snapshot of the root and everything beneath it.
    pub fn inside(&self) -> io::Result<Tree> {
        self.tree("root")
    }

    /// Takes a snapshot of everything outside, which calls beneath a root must not change at all.
    pub fn outside(&self) -> io::Result<Tree> {
        self.tree("outside")
    }

    fn tree(&self, top: &str) -> io::Result<Tree> {
        let mut tree = Tree::new();
        self.look(Path::new(top), &mut tree)?;
        Ok(tree)
    }

    fn look(&self, at: &Path, tree: &mut Tree) -> io::Result<()> {
        let path = self.base.join(at);
        let stat = fs::symlink_metadata(&path)?;
        let content = if stat.is_symlink() {
            let target = fs::read_link(&path)?;
            target
                .to_string_lossy()
                .replace(&*self.base.to_string_lossy(), "$BASE")
        } else if stat.is_file() {
            fs::read_to_string(&path)?
        } else {
            String::new()
        };
        let names = if stat.is_dir() { 0 } else { stat.nlink() };
        let object = Object {
            shape: format!("{:o} names={names} {content}", stat.mode()),
            identity: (stat.ino(), stat.ctime(), stat.ctime_nsec()),
        };
        tree.insert(at.to_owned(), object);
        if stat.is_dir() {
            for entry in fs::read_dir(&path)? {
                self.look(&at.join(entry?.file_name()), tree)?;
            }
        }
        Ok(())
    }
}

/// Returns a directory of this process, in memory where there is such a file system. It lies deeper
/// than any path has `..`, so that a wrong rule does no harm.
fn place() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let top = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let top = fs::canonicalize(top).expect("a place for files");
        remove_left_over(&top);
        let place = top
            .join(format!("{PLACE_PREFIX}{}", std::process::id()))
            .join("1/2/3/4/5/6/7/8");
        fs::create_dir_all(&place).expect("a place for files");
        place
    })
}

/// Resolves a path with all symlinks; `None` where it does not exist. `fs::canonicalize` makes one
/// system call per component.
fn real(path: &Path) -> Option<PathBuf> {
    let mut options = fs::OpenOptions::new();
    let held = options.read(true).custom_flags(OFlag::O_PATH.bits());
    let held = held.open(path).ok()?;
    fs::read_link(format!("/proc/self/fd/{}", held.as_raw_fd())).ok()
}

const PLACE_PREFIX: &str = "holdfast-fuzz-";

/// Removes directories of earlier processes: a fuzzer runs until it is stopped.
fn remove_left_over(top: &Path) {
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PLACE_PREFIX));
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another fuzzer may be removing it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
