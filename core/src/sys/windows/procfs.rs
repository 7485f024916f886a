//! Not supported: there is no procfs, and no open takes the number of a handle.

use super::fd::BorrowedFd;
use crate::error::Os;

/// Returns -1: no open takes the number of a handle.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems need a call to find it, which can fail"
)]
pub(crate) fn number_to_reopen(_: BorrowedFd<'_>) -> Result<i32, Os> {
    Ok(-1)
}
