//! System calls, one small verb each, with the same signatures on every platform.
//!
//! A verb answers what the kernel said, as [`Os`](crate::error::Os): the raw errno and the call
//! as `node:fs` names it. Policy, and the meaning of an errno, live above.

mod acl;
mod linux;
mod look;
mod unix;
mod unnamed;

pub(crate) use acl::{get_acl, remove_acl, set_acl};
pub(crate) use linux::{
    Distance, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV, advise_huge_pages, change_mode_of_held, distance, fchmodat2_works,
    fill_random, held_path, is_pseudo_file_system, open_at2, openat2_works, read_from_start,
    rename_new, rename_new_works, start_sync, stat, stat_at, stat_in_memory, statx_works,
};
pub(crate) use look::{
    Attributes, CAP_CHOWN, CAP_FOWNER, CAP_FSETID, MAY_READ, MAY_SEARCH, MAY_WRITE, Volume, access,
    attributes, has_capability, mount_number, volume,
};
pub(crate) use unix::{
    Stat, Time, change_mode, change_owner, close, create_at, current_directory, effective_group,
    effective_groups, effective_user, has_full_user_map, is_empty_directory, kind_at, link_at,
    list, make_dir_at, open_at, read, read_at, read_link_at, read_vectored, rename_at, status,
    sync, truncate, try_lock, unlink_at, write, write_at,
};
pub(crate) use unnamed::{create_unnamed, link_held, link_held_works};

/// `open(2)` flags.
pub(crate) use nix::fcntl::OFlag;

/// Errno values that policy distinguishes.
pub(crate) use nix::libc::{
    EACCES, EAGAIN, EBUSY, EEXIST, EINVAL, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENODEV,
    ENOENT, ENOSYS, ENOTDIR, ENOTEMPTY, ENOTSUP, ENXIO, EPERM, EROFS, EXDEV,
};
