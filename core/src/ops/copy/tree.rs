//! Copies a tree, both sides by descriptors.

use super::content::{content_failure, copy_content};
use super::link::copy_link;
use super::rules::{Copied, Rules, copied_bits, not_file, real_path};
use crate::error::{Code, Error, Os};
use crate::ops::failure::Failure;
use crate::ops::read::refuse_pseudo;
use crate::ops::rename::Side;
use crate::ops::tree::{Entered, Tree, is_within, may_be_directory};
use crate::ops::two_names::{HeldName, held_parent};
use crate::ops::write::apply_metadata::{bits_without_acl, needs_no_acl};
use crate::ops::write::directory_sync::{sync_parent, sync_published};
use crate::ops::write::fsync_errors;
use crate::ops::write::parent::ParentRules;
use crate::ops::write::{Durable, IsAborted, WriteTarget, check_held, write_with};
use crate::path::reserved::is_reserved;
use crate::resolve::{Naming, Policy, Resolver, STALE_AFTER, Scope};
use crate::sys::{self, AsFd, BorrowedFd, Directory, OFlag, Stat};
use std::time::Instant;

/// The mode of a new directory until everything is in it.
const PRIVATE: u32 = 0o700;

/// Copies a directory of an open one, with everything in it.
pub(super) fn copy(
    (dir, name): (BorrowedFd<'_>, &[u8]),
    resolver: Resolver,
    to: Side<'_>,
    rules: &Rules,
    is_aborted: IsAborted<'_>,
) -> Result<Copied, Failure> {
    let wants_sync = rules.durable == Durable::Full;
    let parent_rules = ParentRules {
        wants_sync,
        make_parents: None,
    };
    let started = Instant::now();
    let new = held_parent(to.scope, to.path, Naming::Changes, parent_rules)
        .map_err(Failure::of_second)?;
    let mut dir_path = new.parent.real_path(to.scope);
    let began = fsync_errors::mark();
    let mut copying = Copying {
        source: Tree::new(dir, resolver)?,
        source_dir: dir,
        copy: Tree::new(new.parent.as_fd(), to.scope.resolver)?,
        new: &new,
        top: None,
        modes: Vec::new(),
        rules,
        entries: 0,
        bytes: 0,
        is_synced: wants_sync,
        is_aborted,
    };
    if let Err(failure) = copying.run(name) {
        return Err(failure.after(copying.entries));
    }
    let Copying {
        entries,
        bytes,
        mut is_synced,
        top,
        ..
    } = copying;
    if started.elapsed() >= STALE_AFTER {
        check_place(&new, &mut dir_path, to.scope, top)
            .map_err(|error| Failure::of_second(error).after(entries))?;
    }
    if wants_sync {
        let synced = new.can_sync
            && sync_parent(&new.parent, began)
                .map_err(|error| Failure::of_second(error).after(entries))?;
        is_synced &= synced;
    }
    Ok(Copied {
        real: real_path(&dir_path, new.parent.name()),
        entries,
        bytes,
        durable: match (rules.durable, is_synced) {
            (Durable::Full, false) => Durable::File,
            (durable, _) => durable,
        },
    })
}

/// Verifies, after a copy that took long, that the path of the result leads to it. The directories
/// of the copy are held meanwhile, and no path leads to them.
fn check_place(
    new: &HeldName,
    dir_path: &mut Vec<u8>,
    scope: &Scope<'_>,
    top: Option<Stat>,
) -> Result<(), Error> {
    // The entries are copied, and are where the directory is now.
    let moved = || Error::refused(Code::PathMismatch, "tree");
    match check_held(&new.parent, dir_path, scope) {
        Ok(real) => *dir_path = real.unwrap_or_else(|| std::mem::take(dir_path)),
        Err(error) if error.code() == Some(Code::PathMismatch) => return Err(moved()),
        Err(error) => return Err(error),
    }
    match (sys::fstatat(new.parent.as_fd(), new.parent.name()), top) {
        (Ok(seen), Some(top)) if seen.is_same_object(&top) => Ok(()),
        (Err(os), _) if os.errno != sys::ENOENT => Err(os.into()),
        _ => Err(moved()),
    }
}

struct Copying<'a> {
    source: Tree,
    /// The directory above the source.
    source_dir: BorrowedFd<'a>,
    copy: Tree,
    /// The parent and the name of the copy.
    new: &'a HeldName,
    /// The top of the copy: the source may contain it, by a bind mount.
    top: Option<Stat>,
    /// For each directory of the copy, the mode that it gets at the end, if it is new.
    modes: Vec<Option<u32>>,
    rules: &'a Rules,
    entries: u64,
    bytes: u64,
    is_synced: bool,
    is_aborted: IsAborted<'a>,
}

impl Copying<'_> {
    fn run(&mut self, top: &[u8]) -> Result<(), Failure> {
        if self.enter(top)? != Entered::Directory {
            return Err(Error::refused(Code::PathMismatch, "tree").into());
        }
        while let Some(level) = self.source.here() {
            match level.pending.pop() {
                Some(name) => {
                    if self.enter(&name)? == Entered::Other {
                        self.copy_entry(&name)?;
                    }
                }
                None => self.leave()?,
            }
        }
        Ok(())
    }

    fn at(&self, name: &[u8], failure: impl Into<Failure>) -> Failure {
        failure.into().at(self.source.path_of(name))
    }

    /// Enters a directory of the source, makes its copy, and copies everything in it but its
    /// directories.
    fn enter(&mut self, name: &[u8]) -> Result<Entered, Failure> {
        self.stop_if_aborted()?;
        match self.source.enter(self.source_dir, name) {
            Ok(Entered::Directory) => {}
            Ok(entered) => return Ok(entered),
            Err(os) => return Err(self.at(name, os)),
        }
        let Some(level) = self.source.here() else {
            return Ok(Entered::Nothing);
        };
        let dir = level.as_fd();
        let stat = sys::fstat(dir)?;
        let bits = copied_bits(&stat, || sys::get_acl_of_path_fd(dir, None));
        let bits = bits.map_err(|os| self.at(b"", os))?;
        self.make_directory(&stat, bits, name)
            .map_err(|failure| self.at(b"", failure))?;
        self.copy_entries()?;
        Ok(Entered::Directory)
    }

    /// Makes the directory that `stat` is copied to, and enters it.
    fn make_directory(&mut self, stat: &Stat, bits: u32, name: &[u8]) -> Result<(), Failure> {
        let parent = self.new.parent.as_fd();
        let is_top = self.copy.depth() == 0;
        let into_itself = Os {
            errno: sys::EINVAL,
            syscall: "cp",
        };
        if is_top && is_within(parent, stat)?
            || self.top.is_some_and(|top| top.is_same_object(stat))
        {
            return Err(into_itself.into());
        }
        let name = if is_top { self.new.parent.name() } else { name };
        let dir = self.copy.here().map_or(parent, |level| level.as_fd());
        let is_new = match sys::make_dir_at(dir, name, PRIVATE) {
            Ok(()) => true,
            Err(os) if os.errno == sys::EEXIST && self.rules.overwrite => false,
            Err(os) => return Err(Failure::of_second(explain(os))),
        };
        // A directory that was made counts even if the call fails before anything is in it.
        self.entries += u64::from(is_new);
        match self.copy.enter(parent, name) {
            Ok(Entered::Directory) => {}
            Ok(other) => {
                let (code, detail) = match other {
                    Entered::Nothing => (Code::NotFound, "removed"),
                    _ => (Code::NotDirectory, "obstacle"),
                };
                return Err(Failure::of_second(Error::refused(code, detail)));
            }
            Err(os) => return Err(Failure::of_second(os.into())),
        }
        self.modes.push(is_new.then_some(bits));
        if let (true, Some(level)) = (is_new, self.copy.here()) {
            // The umask, or a default ACL, took bits of the owner.
            level.permit();
        }
        if is_top && let Some(level) = self.copy.here() {
            let top = sys::fstat(level.as_fd())?;
            if top.is_same_object(stat) {
                return Err(into_itself.into());
            }
            self.top = Some(top);
        }
        self.entries += u64::from(!is_new);
        Ok(())
    }

    /// Copies everything in the current directory but its directories, which become pending.
    fn copy_entries(&mut self) -> Result<(), Failure> {
        let Some(level) = self.source.here() else {
            return Ok(());
        };
        let mut directory = Directory::open(level.as_fd()).map_err(|os| self.at(b"", os))?;
        loop {
            let name = match directory.next() {
                Ok(None) => return Ok(()),
                Ok(Some(entry)) if is_reserved(entry.name) => continue,
                Ok(Some(entry)) if entry.kind.is_some() && may_be_directory(entry.kind) => {
                    let name = entry.name.to_vec();
                    if let Some(level) = self.source.here() {
                        level.pending.push(name);
                    }
                    continue;
                }
                Ok(Some(entry)) => entry.name,
                Err(os) => return Err(self.at(b"", os)),
            };
            self.copy_entry(name)?;
        }
    }

    /// Copies a file or a symlink of the current directory. A directory becomes pending.
    fn copy_entry(&mut self, name: &[u8]) -> Result<(), Failure> {
        self.stop_if_aborted()?;
        let Some(level) = self.source.here() else {
            return Ok(());
        };
        let stat = match sys::fstatat(level.as_fd(), name) {
            Ok(stat) if stat.is_directory() => {
                level.pending.push(name.to_vec());
                return Ok(());
            }
            Ok(stat) => stat,
            Err(os) if os.errno == sys::ENOENT => return Ok(()),
            Err(os) => return Err(self.at(name, os)),
        };
        let copied = if stat.is_symlink() {
            self.copy_symlink(name)
        } else if stat.is_file() {
            self.copy_file(name)
        } else {
            Err(not_file(&stat).into())
        };
        match copied {
            Ok(()) => {
                self.entries += 1;
                Ok(())
            }
            Err(failure) if !failure.is_second && failure.error.errno() == Some(sys::ENOENT) => {
                // The source vanished.
                Ok(())
            }
            Err(failure) => Err(self.at(name, failure)),
        }
    }

    fn copy_symlink(&mut self, name: &[u8]) -> Result<(), Failure> {
        match (self.source.here(), self.copy.here()) {
            (Some(from), Some(to)) => {
                copy_link((from.as_fd(), name), (to.as_fd(), name), self.rules)
            }
            _ => Ok(()),
        }
    }

    fn copy_file(&mut self, name: &[u8]) -> Result<(), Failure> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let source = self.source.open(name, flags)?;
        let stat = sys::statx(source.as_fd())?;
        if !stat.is_file() {
            return Err(not_file(&stat).into());
        }
        refuse_pseudo(source.as_fd(), &stat)?;
        if self.rules.reject_hardlinks && stat.nlink > 1 {
            return Err(Error::refused(Code::Hardlink, "").into());
        }
        let left = self
            .rules
            .max_bytes
            .map_or(u64::MAX, |most| most.saturating_sub(self.bytes));
        if stat.size > left {
            return Err(Error::refused(Code::TooLarge, "total").into());
        }
        let Some(dir) = self.copy.here().and_then(|level| level.directory()) else {
            return Ok(());
        };
        // The directory is held; no path leads to it.
        let scope = Scope {
            root: None,
            policy: Policy::Reject,
            resolver: Resolver::Walk,
        };
        let durable = match self.rules.durable {
            Durable::Full => Durable::File,
            durable => durable,
        };
        let mut failed = None;
        let rules = self.rules.for_write(source.as_fd(), &stat, durable)?;
        let written = write_with(
            &scope,
            WriteTarget::in_directory(dir, name),
            &rules,
            |copy| {
                copy_content(source.as_fd(), copy, left, self.is_aborted)
                    .inspect_err(|error| failed = Some(error.clone()))
            },
            self.is_aborted,
        );
        match (written, failed) {
            (Ok(written), _) => {
                self.bytes += written.size;
                Ok(())
            }
            (Err(_), Some(error)) => Err(content_failure(error)),
            (Err(error), None) => {
                // It has its name all the same.
                self.entries += u64::from(error.code() == Some(Code::NotDurable));
                Err(Failure::of_second(error))
            }
        }
    }

    /// Completes a directory of the copy, and returns to the one above.
    fn leave(&mut self) -> Result<(), Failure> {
        if let Some(level) = self.copy.here() {
            let dir = level.as_fd();
            if self.rules.durable == Durable::Full {
                self.is_synced &= sync_published(dir)
                    .map_err(|error| Failure::of_second(error).at(self.source.path_of(b"")))?;
            }
            if let Some(Some(bits)) = self.modes.pop() {
                apply_directory_mode(dir, bits).map_err(|os| Failure::of_second(os.into()))?;
            }
        }
        self.source.above(self.source_dir)?;
        self.copy.above(self.new.parent.as_fd())?;
        self.source.leave();
        self.copy.leave();
        Ok(())
    }

    fn stop_if_aborted(&self) -> Result<(), Failure> {
        if (self.is_aborted)() {
            return Err(Failure::aborted());
        }
        Ok(())
    }
}

/// Gives a new directory its mode. An ACL that it inherited is removed where an entry could grant
/// more than the mode, else the group gets no more than others. The default ACL stays.
fn apply_directory_mode(dir: BorrowedFd<'_>, bits: u32) -> Result<(), Os> {
    if !sys::HAS_MODES {
        return Ok(());
    }
    let bits = if needs_no_acl(bits) {
        let readable = sys::open_at(dir, b".", OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        bits_without_acl(readable.as_fd(), bits)?
    } else {
        bits
    };
    let stat = sys::fstat(dir)?;
    // A setgid bit that was inherited stays.
    let special = stat.permissions() & !0o777;
    if stat.permissions() != special | bits {
        sys::change_mode_of_path_fd(dir, special | bits)?;
    }
    Ok(())
}

/// Classifies a failed `mkdir`.
fn explain(os: Os) -> Error {
    match os.errno {
        sys::EEXIST => Error::refused_by(Code::AlreadyExists, "", os),
        sys::ENOENT => Error::refused_by(Code::NotFound, "removed", os),
        _ => os.into(),
    }
}
