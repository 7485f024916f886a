//! Symlinks, read by the descriptor of the symlink itself.

use super::file_system::{follows_no_links, is_pseudo_file_system};
use super::procfs::read_entry;
use super::stat::statx;
use crate::error::Os;
use crate::sys::types::{Link, Stat, Target};
use crate::sys::unix::{fstat, open_at, read_link_at};
use nix::fcntl::OFlag;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Returns the stat of a name and, for a symlink, its target. Both belong to one and the same
/// object.
pub(crate) fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Link, Os> {
    let object = open_itself(dir, name)?;
    let stat = fstat(object.as_fd())?;
    let target = if stat.is_symlink() {
        let target = read_link_at(object.as_fd(), b"")?;
        Some(if follows_no_links(object.as_fd())? {
            Target::NoFollow
        } else if is_magic(&stat, &target) && is_pseudo_file_system(object.as_fd())? {
            Target::Magic
        } else {
            Target::Path(target)
        })
    } else {
        None
    };
    let directory = stat.is_directory().then_some(object);
    Ok(Link {
        stat,
        target,
        directory,
    })
}

/// Opens a name without acting on the object. Returns its stat and a descriptor to read its ACL
/// from. The mount id needs one more call.
pub(crate) fn open_path_only(
    dir: BorrowedFd<'_>,
    name: &[u8],
    wants_mount: bool,
) -> Result<(Option<OwnedFd>, Stat), Os> {
    let object = open_itself(dir, name)?;
    let stat = if wants_mount {
        statx(object.as_fd())?
    } else {
        fstat(object.as_fd())?
    };
    Ok((Some(object), stat))
}

fn open_itself(dir: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Os> {
    open_at(dir, name, OFlag::O_PATH | OFlag::O_NOFOLLOW)
}

/// Returns whether a symlink of procfs may be a magic link. Those read as an absolute path or as
/// `pipe:[1]`, and lead elsewhere than that text. Ordinary ones, such as `self`, are relative.
fn is_magic(link: &Stat, target: &[u8]) -> bool {
    link.has_no_device() && (target.starts_with(b"/") || target.contains(&b':'))
}

/// Returns whether `fs.protected_symlinks` is on.
///
/// Also true where procfs does not show it: no `/proc`, another file system mounted there, or a
/// kernel that shows it to root alone. Refusing a symlink is the safe error.
pub(crate) fn protects_symlinks() -> bool {
    match read_entry(b"../sys/fs/protected_symlinks") {
        Ok(value) => !value.starts_with(b"0"),
        Err(_) => true,
    }
}
