//! The ids of this process, and random bytes.

use super::errno::of_status;
use crate::error::Os;
use crate::sys::types::Ids;
use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
};

/// Returns 0, as `os.userInfo()` and `fs.Stats` do for every user.
pub(crate) fn effective_user() -> u32 {
    0
}

pub(crate) fn effective_group() -> u32 {
    0
}

pub(crate) fn effective_groups() -> Vec<u32> {
    Vec::new()
}

pub(crate) fn has_full_map(_: Ids) -> bool {
    true
}

/// Returns `None`: it cannot be read without changing it.
pub(crate) fn umask() -> Option<u32> {
    None
}

/// Fills a buffer from the system's random generator, for unguessable names.
pub(crate) fn fill_random(bytes: &mut [u8; 256]) -> Result<(), Os> {
    // SAFETY: pointer and length describe bytes that are exclusive and outlive the call.
    let status = unsafe {
        BCryptGenRandom(
            std::ptr::null_mut(),
            bytes.as_mut_ptr(),
            bytes.len() as u32,
            BCRYPT_USE_SYSTEM_PREFERRED_RNG,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(of_status("getrandom", status))
    }
}
