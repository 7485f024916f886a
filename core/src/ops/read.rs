//! Reads a file whose path comes from another party.
//!
//! 1. `openat2` under the scope's policy, with `O_NONBLOCK | O_NOCTTY`: opening a FIFO does not
//!    block, and opening a terminal does not make it the controlling terminal.
//! 2. `statx` of the descriptor: type, link count, mode and size are judged there only.
//! 3. `read` into a buffer larger than the size, or `readv` of the size plus one byte. Both detect
//!    growth without a further call.
//!
//! Not protected: a device node under an ordinary name is opened, though without blocking.

use super::stat::final_link;
use crate::error::{Code, Error, Os, Refusal};
use crate::metadata::{self, Caller};
use crate::path;
use crate::resolve::{Found, Last, Located, Scope, classify};
use crate::sys::{self, AsFd, BorrowedFd, OFlag, OwnedFd, Stat};

/// Whether the file may be passed to another party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbound {
    /// No outbound check.
    No,
    /// Group and others must be able to read the file.
    Shared,
    /// The operator opted out of the outbound check.
    OwnerOnlyAllowed,
}

/// The conditions of a read.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Size limit in bytes, inclusive.
    pub max_bytes: u64,
    /// Refuses a file whose link count is above one.
    pub reject_hardlinks: bool,
    /// Accepts procfs, sysfs and similar file systems.
    pub allow_pseudo: bool,
    /// The outbound check.
    pub outbound: Outbound,
}

/// An open file that passed every rule; its content is not read yet.
#[derive(Debug)]
pub struct OpenFile {
    fd: OwnedFd,
    stat: Stat,
    real: Option<Vec<u8>>,
}

impl Content {
    /// Returns the content, which was read into `buf`.
    #[must_use]
    pub fn bytes<'a>(&'a self, buf: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Fits(count) => &buf[..*count],
            Self::Outgrown(bytes) => bytes,
        }
    }
}

/// The content of a file, which may not fit the caller's buffer.
#[derive(Debug)]
pub enum Content {
    /// The whole content is in the caller's buffer; its length in bytes.
    Fits(usize),
    /// The whole content, in a new buffer.
    Outgrown(Vec<u8>),
}

/// Opens a file under the rules.
///
/// # Errors
///
/// Every policy code except those for directories; [`Code::NotFound`]; otherwise what the system
/// returned.
#[inline(always)]
pub fn open(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<OpenFile, Error> {
    let located = scope.locate(raw)?;
    refuse_by_text(scope, &located)?;
    let last = final_link(scope);
    if located.names_directory {
        return Err(judge_bare(scope, &located.text, last));
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let found = scope
        .open(&located.text, flags, last)
        .map_err(|error| explain(scope, &located.text, last, rules, error))?;
    let stat = sys::statx(found.fd.as_fd())?;
    judge(&found, &stat, rules)?;
    let real = scope.other_path(&located, &found);
    Ok(OpenFile {
        fd: found.fd,
        stat,
        real,
    })
}

/// Refuses device names and magic names before any open.
#[inline(always)]
pub(crate) fn refuse_by_text(scope: &Scope<'_>, located: &Located<'_>) -> Result<(), Error> {
    let is_suspect = |text: &[u8]| {
        path::is_magic_here(text)
            || path::may_be_device_or_magic(text) && path::is_device_or_magic(text)
    };
    let is_refused = match scope.root {
        None if located.is_plain => is_suspect(&located.text),
        None => is_suspect(&path::normalize(&located.text)),
        Some(root) if is_kernel_place(root.real()) => {
            is_suspect(&path::normalize(&path::join(root.real(), &located.text)))
        }
        Some(_) => false,
    };
    if is_refused {
        return Err(Error::refused(Code::DevicePath, "name"));
    }
    Ok(())
}

/// Returns whether the text of a path beneath a root can be a device name or a magic name. No path
/// beneath `/dev/shm` is one.
fn is_kernel_place(root: &[u8]) -> bool {
    if root == b"/dev/shm" || root.starts_with(b"/dev/shm/") {
        return false;
    }
    root == b"/"
        || [&b"/dev"[..], b"/proc", b"/sys"]
            .iter()
            .any(|top| root.starts_with(top))
}

/// Judges the opened file by the stat of its descriptor, not by its path.
#[inline(always)]
pub(crate) fn judge(found: &Found, stat: &Stat, rules: &Rules) -> Result<(), Error> {
    if !stat.is_file() {
        let code = if stat.is_device() {
            Code::DevicePath
        } else {
            Code::NotFile
        };
        return Err(Error::refused(code, stat.kind_word()));
    }
    if !rules.allow_pseudo {
        refuse_pseudo(found.fd.as_fd(), stat)?;
    }
    if rules.reject_hardlinks && stat.nlink > 1 {
        return Err(Error::refused(Code::Hardlink, ""));
    }
    if rules.outbound == Outbound::Shared && stat.mode & 0o044 != 0o044 {
        return Err(too_restrictive("mode", stat, None));
    }
    if stat.size > rules.max_bytes {
        return Err(Refusal {
            size: Some(stat.size),
            ..Refusal::new(Code::TooLarge, "limit")
        }
        .into());
    }
    Ok(())
}

/// Refuses a file of a pseudo file system.
#[inline(always)]
pub(crate) fn refuse_pseudo(file: BorrowedFd<'_>, stat: &Stat) -> Result<(), Error> {
    if may_be_pseudo(stat) && sys::is_pseudo_file_system(file)? {
        return Err(Error::refused(Code::DevicePath, "pseudo"));
    }
    Ok(())
}

/// Returns whether the file may lie on a pseudo file system, and so needs a `statfs`. Such file
/// systems have no device and no blocks.
fn may_be_pseudo(stat: &Stat) -> bool {
    stat.has_no_device() && stat.blocks == 0
}

fn too_restrictive(detail: &'static str, stat: &Stat, os: Option<Os>) -> Error {
    Refusal {
        os,
        mode: Some(stat.permissions()),
        uid: Some(stat.uid),
        euid: metadata::effective_user(),
        ..Refusal::new(Code::OutboundPermissions, detail)
    }
    .into()
}

/// Returns the error for a name that ends in `/` or `/.`. The name is inspected without the ending,
/// and never opened.
fn judge_bare(scope: &Scope<'_>, text: &[u8], last: Last) -> Error {
    match scope.stat(text, last) {
        Ok(stat) if stat.is_symlink() => Error::refused(Code::Symlink, "link"),
        Ok(stat) if stat.is_file() => Error::refused(Code::NotDirectory, "file"),
        Ok(stat) => match scope.refuse_removed_root(&stat, "open") {
            Err(error) => error,
            Ok(()) => Error::refused(Code::NotFile, stat.kind_word()),
        },
        Err(error) => classify_open(error),
    }
}

/// Classifies the error of an open. ENOTDIR means not found: nothing exists beneath a file.
fn classify_open(error: Error) -> Error {
    match error {
        Error::System { os, .. } if os.errno == sys::ENOTDIR => {
            Error::refused_by(Code::NotFound, "parent", os)
        }
        // ENXIO, ENODEV: a socket, or a FIFO or device without a peer.
        Error::System { os, .. } if matches!(os.errno, sys::ENXIO | sys::ENODEV) => {
            Error::refused_by(Code::NotFile, "socket", os)
        }
        other => classify(other),
    }
}

/// Finds the cause of a failed open. A file that may not be read may still be inspected: its type
/// and, for an outbound read, its mode go into the error.
fn explain(scope: &Scope<'_>, text: &[u8], last: Last, rules: &Rules, error: Error) -> Error {
    let os = match error {
        Error::System { os, .. }
            if matches!(
                os.errno,
                sys::EACCES | sys::EPERM | sys::ENXIO | sys::ENODEV
            ) =>
        {
            os
        }
        other => return classify_open(other),
    };
    let denied = |detail| {
        if os.errno == sys::EACCES && rules.outbound != Outbound::No {
            Refusal {
                os: Some(os),
                euid: metadata::effective_user(),
                ..Refusal::new(Code::OutboundPermissions, detail)
            }
            .into()
        } else {
            classify_open(os.into())
        }
    };
    match scope.stat(text, last) {
        Ok(stat) if stat.is_symlink() => Error::refused(Code::Symlink, "link"),
        Ok(stat) if stat.is_device() => Error::refused_by(Code::DevicePath, "device", os),
        Ok(stat) if !stat.is_file() => Error::refused_by(Code::NotFile, stat.kind_word(), os),
        Ok(stat) if os.errno == sys::EACCES && rules.outbound != Outbound::No => {
            if Caller::current().may_read(&stat) {
                denied("security")
            } else {
                too_restrictive("denied", &stat, Some(os))
            }
        }
        Err(look) if look.errno() == Some(sys::EACCES) => denied("parent"),
        Ok(_) | Err(_) => denied("unknown"),
    }
}

impl OpenFile {
    /// Wraps a file that passed the rules. `real` is its real path where that differs from the path
    /// as given.
    pub(crate) fn judged(fd: OwnedFd, stat: Stat, real: Option<Vec<u8>>) -> Self {
        Self { fd, stat, real }
    }

    /// Returns the descriptor.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns the stat of the descriptor.
    #[must_use]
    #[inline]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Returns the size at the time of the open, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.stat.size
    }

    /// Returns the real path; `None` when it equals the path as given, or the root's real path plus
    /// that path.
    #[must_use]
    pub fn real_path(&self) -> Option<&[u8]> {
        self.real.as_deref()
    }

    /// Returns the number of the descriptor, through which a caller opens the file again while this
    /// is open. Returns -1 on systems that have no such reopen.
    ///
    /// # Errors
    ///
    /// What the system returned.
    pub fn number_to_reopen(&self) -> Result<i32, Error> {
        Ok(sys::number_to_reopen(self.fd.as_fd())?)
    }

    /// Closes the file.
    #[inline(always)]
    pub fn close(self) {
        sys::close_quietly(self.fd);
    }

    /// Reads the whole content into `buf`. A buffer as long as the size needs one call.
    ///
    /// # Errors
    ///
    /// [`Code::TooLarge`] for a file that grew beyond the limit or beyond memory; otherwise what
    /// the system returned.
    #[inline(always)]
    pub fn read(&self, buf: &mut [u8], max_bytes: u64) -> Result<Content, Error> {
        /// From this size on, page faults cost as much as the copy itself.
        const LARGE: usize = 4 * 1024 * 1024;
        let is_large = buf.len() >= LARGE;
        let mut filled = 0;
        // Holds at most one byte beyond the limit.
        let room = usize::try_from(max_bytes).map_or(buf.len(), |max| buf.len().min(max));
        let has_room_to_grow = room as u64 > self.stat.size;
        loop {
            let mut probe = [0_u8; 1];
            let rest = &mut buf[filled..room];
            let asked = rest.len();
            let part = if is_large {
                sys::back_next_part(rest)
            } else {
                asked
            };
            let is_plain = part < asked || has_room_to_grow && asked > 0;
            let count = if is_plain {
                // More of the file follows, or the buffer has room beyond the size, so growth shows
                // without a second buffer.
                sys::read(self.fd.as_fd(), &mut rest[..part])?
            } else {
                sys::read_vectored(self.fd.as_fd(), rest, &mut probe)?
            };
            if count > asked {
                return self.read_on(&buf[..room], probe[0], max_bytes);
            }
            filled += count;
            // A short read at the expected size is the end of file. In any other case only a read
            // of 0 bytes is.
            let is_short = !is_plain || count < part;
            if count == 0 || is_short && filled as u64 == self.stat.size {
                return Ok(Content::Fits(filled));
            }
        }
    }

    /// Reads the rest into a growing buffer, after `start` and one more byte.
    fn read_on(&self, start: &[u8], next: u8, max_bytes: u64) -> Result<Content, Error> {
        let out_of_memory = |_| Error::refused(Code::TooLarge, "memory");
        let mut content = Vec::new();
        content
            .try_reserve(start.len().saturating_mul(2).max(64 * 1024))
            .map_err(out_of_memory)?;
        content.extend_from_slice(start);
        content.push(next);
        loop {
            if content.len() as u64 > max_bytes {
                return Err(Error::refused(Code::TooLarge, "growth"));
            }
            let limit = usize::try_from(max_bytes).map_or(usize::MAX, |max| max.saturating_add(1));
            let filled = content.len();
            if filled == content.capacity() {
                content.try_reserve(filled).map_err(out_of_memory)?;
            }
            let end = content.capacity().min(limit);
            content.resize(end, 0);
            let count = sys::read(self.fd.as_fd(), &mut content[filled..])?;
            content.truncate(filled + count);
            if count == 0 {
                return Ok(Content::Outgrown(content));
            }
        }
    }
}
