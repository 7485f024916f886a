//! Creates small trees for tests, and takes snapshots of them.

use nix::sys::stat::Mode;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A scratch directory with a tree in it. Dropping it removes it.
pub(crate) struct Fixture {
    base: PathBuf,
}

/// The object at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// File type and permission bits, and content or target.
    pub(crate) shape: String,
    /// Inode, link count and change time, which a refused call leaves alone as well. For a
    /// directory only the inode: creating files in it changes the rest.
    pub(crate) identity: (u64, u64, i64, i64),
}

impl Object {
    pub(crate) fn is_file(&self) -> bool {
        self.shape.starts_with("100")
    }
}

/// Every object by its path.
pub(crate) type Tree = BTreeMap<PathBuf, Object>;

impl Fixture {
    /// Creates a tree from one line per object, so that a table shows its set-up at a glance:
    ///
    /// ```text
    /// dir/              a directory           dir/ 2775        … with exactly this mode
    /// file: content     a regular file        file 0640: text  … with exactly this mode
    /// link => target    a symlink             name == file     another name of a file
    /// pipe |            a FIFO                sock @           a bound socket
    /// ```
    ///
    /// `$BASE` in a symlink's target is the scratch directory. Missing parents are created.
    pub(crate) fn new(layout: &[&str]) -> Self {
        Self::beneath(&std::env::temp_dir(), layout)
    }

    /// Creates a tree on a file system in memory where there is one, for tables of thousands of
    /// trees.
    pub(crate) fn in_memory(layout: &[&str]) -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            Self::beneath(memory, layout)
        } else {
            Self::new(layout)
        }
    }

    fn beneath(place: &Path, layout: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("holdfast-core-{}-{count}", std::process::id());
        let base = fs::canonicalize(place).unwrap().join(name);
        fs::create_dir(&base).unwrap();
        set_mode(&base, 0o755);
        let fixture = Self { base };
        fixture.build(layout);
        fixture
    }

    fn build(&self, layout: &[&str]) {
        // Modes of directories come last, innermost first: some deny access to everyone.
        let mut modes = Vec::new();
        for line in layout {
            self.make(line, &mut modes)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        for (dir, mode) in modes.iter().rev() {
            set_mode(dir, *mode);
        }
    }

    fn make(&self, line: &str, modes: &mut Vec<(PathBuf, u32)>) -> io::Result<()> {
        let at = |name: &str| {
            let path = self.base.join(name);
            if let Some(parent) = path.parent() {
                make_parents(parent);
            }
            path
        };
        if let Some((name, target)) = line.split_once(" => ") {
            return symlink(target.replace("$BASE", &self.text("")), at(name));
        }
        if let Some((name, file)) = line.split_once(" == ") {
            return fs::hard_link(self.base.join(file), at(name));
        }
        if let Some(name) = line.strip_suffix(" |") {
            return nix::unistd::mkfifo(&at(name), Mode::from_bits_truncate(0o644))
                .map_err(io::Error::from);
        }
        if let Some(name) = line.strip_suffix(" @") {
            return UnixListener::bind(at(name)).map(drop);
        }
        let (name, mode, content) = match line.split_once(':') {
            Some((head, content)) => {
                let (name, mode) = head.split_once(' ').unwrap_or((head, "0644"));
                (name, mode, Some(content.trim_start()))
            }
            None => {
                let (name, mode) = line.split_once(' ').unwrap_or((line, "0755"));
                (name, mode, None)
            }
        };
        let path = at(name.trim_end_matches('/'));
        let mode = u32::from_str_radix(mode, 8).expect("an octal mode");
        match content {
            Some(content) => {
                fs::write(&path, content)?;
                set_mode(&path, mode);
            }
            None => {
                assert!(name.ends_with('/'), "no such shape in the layout language");
                make_parents(&path);
                modes.push((path, mode));
            }
        }
        Ok(())
    }

    /// Returns a path beneath the scratch directory.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// Returns such a path as text, as a caller would pass it.
    pub(crate) fn text(&self, name: &str) -> String {
        let base = self.base.to_str().expect("a plain name");
        if name.is_empty() {
            base.to_owned()
        } else {
            format!("{base}/{name}")
        }
    }

    /// Takes a snapshot of the whole tree.
    pub(crate) fn tree(&self) -> Tree {
        self.tree_of("")
    }

    /// Takes a snapshot of one directory and everything beneath it.
    pub(crate) fn tree_of(&self, top: &str) -> Tree {
        let mut tree = Tree::new();
        self.look(Path::new(top), &mut tree);
        tree
    }

    fn look(&self, at: &Path, tree: &mut Tree) {
        let path = self.base.join(at);
        let stat = fs::symlink_metadata(&path).unwrap();
        let content = if stat.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            target.to_string_lossy().replace(&self.text(""), "$BASE")
        } else if stat.is_file() && stat.size() < 1 << 20 {
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
        } else {
            String::new()
        };
        let identity = if stat.is_dir() {
            (stat.ino(), 0, 0, 0)
        } else {
            (stat.ino(), stat.nlink(), stat.ctime(), stat.ctime_nsec())
        };
        let shape = format!("{:o} {content}", stat.mode());
        tree.insert(at.to_owned(), Object { shape, identity });
        if stat.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                self.look(&at.join(entry.unwrap().file_name()), tree);
            }
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A failure here would hide the failure of the test.
        let _ = fs::remove_dir_all(&self.base);
    }
}

/// Returns the part of a snapshot that two trees can have in common.
pub(crate) fn shapes(tree: &Tree) -> Vec<(&Path, &str)> {
    tree.iter()
        .map(|(path, object)| (path.as_path(), object.shape.as_str()))
        .collect()
}

/// Sets permission bits, whatever the umask.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Creates missing parents with mode 0755, whatever the umask.
fn make_parents(dir: &Path) {
    if dir.exists() {
        return;
    }
    if let Some(parent) = dir.parent() {
        make_parents(parent);
    }
    fs::create_dir(dir).unwrap();
    set_mode(dir, 0o755);
}
