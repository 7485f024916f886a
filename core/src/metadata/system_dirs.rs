//! Directories that belong to the system: removing their permission bits would break other
//! programs.
//!
//! The names are those of the Filesystem Hierarchy Standard 3.0 and their counterparts on macOS and
//! Windows. A directory is matched by its real path, and by device and inode, since a bind mount
//! shows the same directory under another path.

use crate::sys::Stat;
#[cfg(unix)]
use crate::sys::{self, AsFd};
use std::sync::OnceLock;

/// The platform whose names apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    Linux,
    Macos,
    Windows,
}

const HERE: Platform = if cfg!(windows) {
    Platform::Windows
} else if cfg!(target_os = "macos") {
    Platform::Macos
} else {
    Platform::Linux
};

/// Names directly beneath `/`.
const TOP: [&str; 21] = [
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt",
    "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var",
];

/// Further names directly beneath `/` on macOS.
const TOP_OF_MACOS: [&str; 9] = [
    "Applications",
    "Library",
    "Network",
    "System",
    "Users",
    "Volumes",
    "cores",
    "private",
    ".vol",
];

/// Names directly beneath a Windows drive, compared without case.
const TOP_OF_WINDOWS: [&str; 8] = [
    "windows",
    "program files",
    "program files (x86)",
    "programdata",
    "users",
    "perflogs",
    "recovery",
    "system volume information",
];

/// Returns whether a directory belongs to the system. `real` is its absolute real path, as far as
/// it is known.
pub(crate) fn is_system_directory(real: &[u8], stat: &Stat) -> bool {
    is_system_path(real) || is_one_by_identity(stat)
}

/// Returns whether an absolute real path is that of a directory of the system.
pub(crate) fn is_system_path(real: &[u8]) -> bool {
    is_named(HERE, real)
}

fn is_named(platform: Platform, real: &[u8]) -> bool {
    let Ok(real) = std::str::from_utf8(real) else {
        return false;
    };
    let mut names = real.split('/').filter(|name| !name.is_empty());
    match platform {
        Platform::Linux => is_named_unix(names, &[]),
        Platform::Macos => {
            // /etc, /tmp and /var are symlinks to directories of the same name in /private.
            let mut beneath_private = names.clone();
            if beneath_private.next() == Some("private") && beneath_private.clone().next().is_some()
            {
                names = beneath_private;
            }
            is_named_unix(names, &TOP_OF_MACOS)
        }
        Platform::Windows => {
            // The first component is the drive.
            let (top, rest) = (names.nth(1), names.next());
            let top = top.map(str::to_lowercase);
            match (top.as_deref(), rest) {
                (None, _) => true,
                (Some(top), None) => TOP_OF_WINDOWS.contains(&top),
                (Some("windows"), Some(_)) => names.next().is_none(),
                _ => false,
            }
        }
    }
}

fn is_named_unix<'a>(mut names: impl Iterator<Item = &'a str>, further: &[&str]) -> bool {
    match (names.next(), names.next(), names.next()) {
        (None, ..) => true,
        (Some(top), None, _) => TOP.contains(&top) || further.contains(&top),
        (Some("usr" | "var"), Some(_), None) => true,
        _ => false,
    }
}

/// Returns whether a directory is a system directory under another path. The system directories are
/// stat'ed once.
fn is_one_by_identity(stat: &Stat) -> bool {
    static IDENTITIES: OnceLock<Vec<(u64, u64)>> = OnceLock::new();
    IDENTITIES
        .get_or_init(identities)
        .contains(&(stat.dev, stat.ino))
}

#[cfg(windows)]
fn identities() -> Vec<(u64, u64)> {
    Vec::new()
}

#[cfg(unix)]
fn identities() -> Vec<(u64, u64)> {
    let mut paths = vec![b"/".to_vec()];
    for name in TOP {
        paths.push(format!("/{name}").into_bytes());
    }
    for parent in ["/usr", "/var"] {
        let parent = parent.as_bytes();
        let names =
            sys::open_absolute(parent, sys::SEARCH_ONLY).and_then(|dir| sys::list(dir.as_fd()));
        for name in names.unwrap_or_default() {
            paths.push([parent, b"/", &name].concat());
        }
    }
    paths
        .iter()
        .filter_map(|path| sys::lstat_absolute(path).ok())
        .filter(Stat::is_directory)
        .map(|stat| (stat.dev, stat.ino))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_directories_of_the_system_by_name() {
        use Platform::{Linux, Macos, Windows};
        for (platform, path, expected) in [
            (Linux, "/", true),
            (Linux, "/etc", true),
            (Linux, "/home", true),
            (Linux, "/usr", true),
            (Linux, "/usr/local", true),
            (Linux, "/var/lib", true),
            (Linux, "/var/tmp", true),
            (Linux, "/lib64", true),
            (Linux, "/data", false),
            (Linux, "/etcetera", false),
            (Linux, "/workspace", false),
            (Linux, "/home/me", false),
            (Linux, "/etc/app", false),
            (Linux, "/srv/app", false),
            (Linux, "/usr/local/share", false),
            (Linux, "/var/lib/app", false),
            (Linux, "/data/etc", false),
            (Linux, "/Users", false),
            (Macos, "/", true),
            (Macos, "/Users", true),
            (Macos, "/private", true),
            (Macos, "/private/var", true),
            (Macos, "/private/var/root", true),
            (Macos, "/private/etc", true),
            (Macos, "/usr/local", true),
            (Macos, "/Library", true),
            (Macos, "/Users/me", false),
            (Macos, "/private/var/folders/xy", false),
            (Macos, "/data", false),
            (Windows, "/C:", true),
            (Windows, "/C:/", true),
            (Windows, "/C:/Windows", true),
            (Windows, "/D:/windows/System32", true),
            (Windows, "/C:/Program Files", true),
            (Windows, "/C:/Users", true),
            (Windows, "/C:/Users/me", false),
            (Windows, "/C:/Windows/System32/x", false),
            (Windows, "/C:/data", false),
        ] {
            assert_eq!(
                is_named(platform, path.as_bytes()),
                expected,
                "{platform:?} {path}"
            );
        }
    }
}
