//! Decisions about modes, ACLs, owners and mounts, as pure functions of what was read.

mod acl;
pub(crate) mod locality;
mod mode;
mod owner;
pub(crate) mod system_dirs;
#[cfg(test)]
mod tests;

pub(crate) use acl::Acl;
pub(crate) use mode::{
    Exempt, SHARED_BITS, classes_are_equal, exempt, group_exceeds_others, kept_bits,
    others_may_rename_in, without_group_excess,
};
pub(crate) use owner::{
    Caller, cannot_be_changed, cannot_be_kept, effective_user, is_mapped, is_mapped_group, is_own,
    is_own_or_root, is_protected_link, is_same_group, is_same_owner, is_trusted_link,
};
pub(crate) use system_dirs::is_system_directory;
