//! Exports for the `holdfast doctor` command: facts about a path, and a dry run of each verb.

use crate::args::{PathArgument, scope};
use crate::handle::{RootHandle, clone_root};
use crate::record::{Record, Scratch, containment, guarded, guarded_steps, length};
use crate::record_layout::{facts as layout, predicted_write, remove, rename};
use crate::verbs::{ensure_dir, read, write};
use holdfast_core::doctor::dry_run::{self, PredictedWrite};
use holdfast_core::doctor::{self, Facts, Locks};
use holdfast_core::ops::rename::Side;
use holdfast_core::ops::write::Durable;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// Size limit in bytes for an ACL in the facts: more than a person would read.
const MAX_ACL_LEN: usize = 2048;

fn describe(facts: &Facts) -> Record {
    let mut record = Record::new(0.0);
    record.set_stat(&facts.stat);
    record.set_path(Some(&facts.real));
    let numbers = &mut record.numbers;
    let traits = [
        facts.is_own,
        facts.is_own_or_root,
        facts.has_named_entries,
        facts.attributes.is_immutable,
        facts.attributes.is_append_only,
        facts.attributes.is_mount_point,
        facts.volume.is_read_only,
        !facts.is_acl_known,
        facts.locks == Locks::Host,
        facts.locks == Locks::Missing,
    ];
    let bits = traits
        .iter()
        .zip(0..)
        .fold(0_u32, |bits, (&has, bit)| bits | u32::from(has) << bit);
    numbers[layout::TRAITS] = f64::from(bits);
    numbers[layout::ACCESS] = f64::from(facts.access);
    numbers[layout::MOUNT] = facts.mount.map_or(-1.0, f64::from);
    numbers[layout::ACL] = -1.0;
    let volume = &facts.volume;
    let figures = [
        u64::from(volume.kind),
        volume.block_size,
        volume.blocks,
        volume.free_blocks,
        volume.available_blocks,
        volume.inodes,
        volume.free_inodes,
    ];
    for (index, figure) in figures.into_iter().enumerate() {
        numbers[layout::VOLUME + index] = figure as f64;
    }
    if let Some(acl) = &facts.acl {
        let shown = &acl[..acl.len().min(MAX_ACL_LEN)];
        record.numbers[layout::ACL] = length(shown.len());
        record.text.extend_from_slice(shown);
    }
    record
}

/// Returns facts about a path. A final symlink is inspected itself.
#[napi(catch_unwind)]
pub fn inspect(path: PathArgument, flags: u32, scratch: Scratch) {
    let result = guarded(|| Ok(describe(&doctor::inspect(&scope(flags, None), &path.0)?)));
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Returns whether a real path is that of a directory of the system.
#[napi(catch_unwind)]
#[must_use]
pub fn is_system_directory(real_path: PathArgument) -> bool {
    doctor::is_system_directory(&real_path.0)
}

/// Reads an entry of procfs by its path beneath `/proc/self`. Returns `None` where there is no
/// procfs or no such entry. A file of another file system at that path is not read.
#[napi(catch_unwind)]
#[must_use]
pub fn read_proc(path: PathArgument) -> Option<Buffer> {
    doctor::read_proc_entry(&path.0).ok().map(Buffer::from)
}

/// Runs a dry run of `ensureDir`. The record is that of the verb.
#[napi(catch_unwind)]
pub fn dry_run_ensure_dir(path: PathArgument, flags: u32, mode: u32, scratch: Scratch) {
    let result = guarded(|| {
        let scope = scope(flags, None);
        let rules = ensure_dir::rules(flags, mode);
        let ensured = dry_run::ensure_dir(&scope, &path.0, &rules)?;
        Ok(ensure_dir::describe(&scope, ensured))
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Runs a dry run of `writeAtomic`. The record has: whether the file is created; its mode; what is
/// synced (nothing, the file, both); what is kept (-1 for nothing to keep, otherwise a bit each for
/// mode, ACL and owner).
#[napi(catch_unwind)]
pub fn dry_run_write(path: PathArgument, flags: u32, modes: u32, scratch: Scratch) {
    let result = guarded(|| {
        let scope = scope(flags, None);
        let PredictedWrite {
            created,
            mode,
            durable,
            preserved,
        } = dry_run::write(&scope, &path.0, &write::rules(flags, modes))?;
        let mut record = Record::new(containment(&scope));
        record.numbers[predicted_write::CREATED] = f64::from(u8::from(created));
        record.numbers[predicted_write::MODE] = f64::from(mode);
        record.numbers[predicted_write::DURABLE] = match durable {
            Durable::No => 0.0,
            Durable::File => 1.0,
            Durable::Full => 2.0,
        };
        record.numbers[predicted_write::PRESERVED] = preserved.map_or(-1.0, |kept| {
            f64::from(u8::from(kept.mode) | u8::from(kept.acl) << 1 | u8::from(kept.owner) << 2)
        });
        Ok(record)
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Runs a dry run of a read, which ends before the first byte. The record has the stat and the real
/// path.
#[napi(catch_unwind)]
pub fn dry_run_read(path: PathArgument, flags: u32, max_bytes: f64, scratch: Scratch) {
    let result = guarded(|| {
        let scope = scope(flags, None);
        let file = dry_run::read(&scope, &path.0, &read::rules(flags, max_bytes))?;
        Ok(read::describe(containment(&scope), &file))
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Runs a dry run of `remove` without `recursive`. The record is that of the verb.
#[napi(catch_unwind)]
pub fn dry_run_remove(path: PathArgument, flags: u32, root: &RootHandle, scratch: Scratch) {
    let root = clone_root(Some(root));
    let result = guarded_steps(|| {
        let root = root?;
        let scope = scope(flags, root.as_ref());
        dry_run::remove(&scope, &path.0)?;
        let mut record = Record::new(containment(&scope));
        record.numbers[remove::COUNT] = 1.0;
        Ok(record)
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Runs a dry run of `rename` beneath one root to a name that has to be free. The record has whether
/// both directories could be synced.
#[napi(catch_unwind)]
pub fn dry_run_rename(
    from: PathArgument,
    to: PathArgument,
    flags: u32,
    root: &RootHandle,
    scratch: Scratch,
) {
    let root = clone_root(Some(root));
    let result = guarded_steps(|| {
        let root = root?;
        let scope = scope(flags, root.as_ref());
        let side = |path| Side {
            scope: &scope,
            path,
        };
        let is_durable = dry_run::rename(side(&from.0), side(&to.0), true)?;
        let mut record = Record::new(containment(&scope));
        record.numbers[rename::DURABLE] = f64::from(u8::from(is_durable));
        Ok(record)
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}

/// Runs a dry run of `list`, which ends before the first entry.
#[napi(catch_unwind)]
pub fn dry_run_list(path: PathArgument, flags: u32, root: &RootHandle, scratch: Scratch) {
    let root = clone_root(Some(root));
    let result = guarded(|| {
        let root = root?;
        let scope = scope(flags, root.as_ref());
        dry_run::list(&scope, &path.0)?;
        Ok(Record::new(containment(&scope)))
    });
    scratch.put(&result.unwrap_or_else(|failure| failure));
}
