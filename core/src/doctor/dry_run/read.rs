//! A dry run of `read`: ends before the first byte.

use crate::error::{Code, Error};
use crate::ops::read::{self, OpenFile};
use crate::ops::stat::final_link;
use crate::resolve::Scope;
use crate::sys::{self, OFlag};
use std::os::fd::AsFd;

/// Opens a file as [`read::open`] would. Opens regular files only, and reads nothing.
///
/// # Errors
///
/// Those that it would return.
pub fn read(scope: &Scope<'_>, raw: &[u8], rules: &read::Rules) -> Result<OpenFile, Error> {
    let located = scope.locate(raw)?;
    read::refuse_by_text(scope, &located)?;
    let looked = scope.open(&located.text, OFlag::O_PATH, final_link(scope));
    if let (Ok(found), false) = (looked, located.names_directory) {
        // Checked before the open: opening a FIFO unblocks a writer that waits for a reader.
        let stat = sys::fstat(found.fd.as_fd())?;
        if stat.is_device() {
            return Err(Error::refused(Code::DevicePath, "device"));
        }
        if stat.kind_word() == "fifo" {
            return Err(Error::refused(Code::NotFile, stat.kind_word()));
        }
    }
    read::open(scope, raw, rules)
}
