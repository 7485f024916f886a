//! Not supported: there is no procfs. `/dev/fd` contains the descriptors.

use crate::error::Os;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Returns the number by which a descriptor can be opened again, in `/dev/fd`.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call to find it, which can fail"
)]
pub(crate) fn number_to_reopen(fd: BorrowedFd<'_>) -> Result<i32, Os> {
    Ok(fd.as_raw_fd())
}
