//! Not supported: there is no procfs, and a handle has no number that another open could name it by.

use super::fd::BorrowedFd;
use crate::error::Os;

/// A handle is no number that another open could name it by.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other systems have to look for a way first"
)]
pub(crate) fn number_to_reopen(_: BorrowedFd<'_>) -> Result<i32, Os> {
    Ok(-1)
}
