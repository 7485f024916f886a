//! `readLocalFileSafely`.

use crate::args::{
    Bytes, IN_BATCH, NO_HANDOVER, PROBE_LOCALITY, PathArgument, PathRoom, TEXT, has, scope,
};
use crate::call::{Call, Value};
use crate::handle::{RootHandle, Slot, clone_root};
use crate::job::{Extra, Job, Reply};
use crate::panic::caught;
use crate::record::{Record, containment, guarded, length};
use crate::record_layout::{CONTAINMENT, read as layout};
use holdfast_core::error::Error;
use holdfast_core::failpoint;
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops::read::{self, Content, OpenFile, Outbound, Rules};
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::{AsyncTask, External, Result, Uint8Array, sys};
use napi::{Env, Task};
use napi_derive::napi;
use std::sync::Arc;

/// Size limit in bytes up to which one job reads the whole file, and the bytes are copied into
/// their Buffer. A second job reads a larger file straight into a Buffer, since the copy would
/// block the event loop for longer than that job takes.
const COPIED: u64 = 256 * 1024;

/// Size limit in bytes up to which content is an `ArrayBuffer` created by Node-API, which is faster
/// than a Buffer created by JavaScript. lib/verbs/read-content.ts has the same number.
const SMALL: usize = 16 * 1024;

/// Creates JavaScript memory for content: an `ArrayBuffer` up to [`SMALL`], a `Buffer` above.
fn memory(call: &Call<'_>, size: u64) -> std::result::Result<(sys::napi_value, Bytes), Error> {
    match usize::try_from(size) {
        Ok(size) if size <= SMALL => call.array_buffer(size),
        _ => call.allocated(ALLOCATE, size),
    }
}

/// Copies content into new memory, or into a string: see [`TEXT`]. Returns it and its length.
fn copy_of(
    call: &Call<'_>,
    content: &[u8],
    flags: u32,
) -> std::result::Result<(sys::napi_value, usize), Error> {
    if has(flags, TEXT)
        && let Some(text) = call.ascii(content)
    {
        return Ok((text, content.len()));
    }
    let (value, mut buf) = memory(call, content.len() as u64)?;
    buf.as_mut_slice().copy_from_slice(content);
    Ok((value, content.len()))
}

pub(crate) fn rules(flags: u32, max_bytes: f64) -> Rules {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lib/options/ lets whole numbers and infinity through; `as` saturates"
    )]
    let max_bytes = max_bytes as u64;
    Rules {
        max_bytes,
        reject_hardlinks: has(flags, 2),
        allow_pseudo: has(flags, 3),
        outbound: match (has(flags, 4), has(flags, 5)) {
            (false, _) => Outbound::No,
            (true, false) => Outbound::Shared,
            (true, true) => Outbound::OwnerOnlyAllowed,
        },
    }
}

pub(crate) fn describe(containment: f64, file: &OpenFile) -> Record {
    let mut record = Record::new(containment);
    fill(&mut record, file);
    record
}

#[inline(always)]
pub(super) fn fill(record: &mut Record, file: &OpenFile) {
    record.set_stat(file.stat());
    record.set_path(file.real_path());
}

/// Reads on the calling thread. The value is new memory with the content: see [`copy_of`] and
/// [`memory`].
///
/// Arguments: path, flags, `maxBytes`, a function that creates a `Buffer` of a size, root and its
/// number.
pub(crate) fn read_sync(call: &Call<'_>, record: &mut Record) -> std::result::Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, max_bytes) = (call.bits(1)?, call.number(2)?);
    let root = call.root(ROOT)?;
    let scope = scope(flags, root.as_ref());
    let rules = rules(flags, max_bytes);
    let file = read::open(&scope, path, &rules)?;
    record.numbers[CONTAINMENT] = containment(&scope);
    fill(record, &file);
    let mut room = call.room();
    let (value, count) = if let Some(buf) = within(&mut room, file.size(), flags) {
        let content = file.read(buf, rules.max_bytes)?;
        copy_of(call, content.bytes(buf), flags)?
    } else {
        let (value, mut buf) = memory(call, file.size())?;
        let content = file.read(buf.as_mut_slice(), rules.max_bytes)?;
        match content.bytes(buf.as_slice()) {
            all if matches!(content, Content::Fits(_)) && all.len() as u64 == file.size() => {
                (value, all.len())
            }
            other => copy_of(call, other, flags)?,
        }
    };
    file.close();
    record.numbers[layout::LENGTH] = length(count);
    Ok(Some(value))
}

/// Size limit in bytes up to which content goes through [`Call::room`] to its own memory. Above, a
/// copy costs more than a second segment of the read. A string is a copy in any case.
const COPIED_FROM_ROOM: u64 = 4 * 1024;

/// Returns the part of a buffer for content of a size: one byte longer, so that a single read
/// detects growth.
fn within(room: &mut [u8], size: u64, flags: u32) -> Option<&mut [u8]> {
    if size > COPIED_FROM_ROOM && !has(flags, TEXT) {
        return None;
    }
    room.get_mut(..=usize::try_from(size).ok()?)
}

/// Argument indices: the function that creates a `Buffer`, the root, and the number of the batch.
const ALLOCATE: usize = 3;
const ROOT: usize = 4;
const BATCH: usize = 6;

/// Reads on the calling thread if that cannot block; otherwise the record has the status for that.
/// Results are as those of [`read_sync`]. Where the file is open and judged but its content is left
/// to [`read_fill`], the value is the file's handle.
///
/// Arguments: as for [`read_sync`], and the number of the batch: see [`IN_BATCH`].
pub(crate) fn read_cached(
    call: &Call<'_>,
    record: &mut Record,
) -> std::result::Result<Value, Error> {
    let mut path = PathRoom::new();
    let path = call.path(0, &mut path)?;
    let (flags, max_bytes) = (call.bits(1)?, call.number(2)?);
    let root = call.root(ROOT)?;
    let scope = scope(flags, root.as_ref());
    let rules = rules(flags, max_bytes);
    let opened = if has(flags, IN_BATCH) {
        let batch = call.number(BATCH)?;
        call.in_batch(batch, |held| {
            nonblocking::open_file(&scope, path, &rules, Some(held))
        })
    } else {
        nonblocking::open_file(&scope, path, &rules, None)
    };
    let opened = match opened {
        Cached::Known(opened) => opened,
        Cached::NotCached(probe_locality) => {
            *record = Record::not_cached(probe_locality);
            return Ok(None);
        }
    };
    record.numbers[CONTAINMENT] = containment(&scope);
    fill(record, &opened.file);
    record.numbers[layout::BY_PARENT] = f64::from(u8::from(opened.is_by_parent()));
    let size = opened.file.size();
    let mut value = None;
    let mut count = None;
    let mut room = call.room();
    if let Some(buf) = within(&mut room, size, flags) {
        count = opened.read(buf);
        if let Some(count) = count {
            value = Some(copy_of(call, &buf[..count], flags)?.0);
        }
    } else if opened.is_small() {
        let (array, mut buf) = memory(call, size)?;
        value = Some(array);
        count = opened.read(buf.as_mut_slice());
    }
    match count {
        Some(count) => {
            opened.file.close();
            record.numbers[layout::LENGTH] = length(count);
        }
        None if has(flags, NO_HANDOVER) => {
            *record = Record::not_cached(false);
            return Ok(None);
        }
        None => {
            record.set_unread(size);
            value = Some(call.external(Slot::new(opened.file))?);
        }
    }
    Ok(value)
}

/// Closes the directory that a batch of reads holds.
#[allow(clippy::unnecessary_wraps, reason = "the type of every verb")]
pub(crate) fn end_batch(call: &Call<'_>, _: &mut Record) -> std::result::Result<Value, Error> {
    call.state.end_batch();
    Ok(None)
}

/// Opens in the pool, and reads what is small enough to copy.
#[napi(catch_unwind)]
pub fn read_async(
    path: PathArgument,
    flags: u32,
    max_bytes: f64,
    root: Option<&RootHandle>,
) -> AsyncTask<Job> {
    let root = clone_root(root);
    Job::queue(move || {
        let result = guarded(|| open_and_read(&path.0, flags, max_bytes, root?.as_ref()));
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    })
}

fn open_and_read(
    path: &[u8],
    flags: u32,
    max_bytes: f64,
    root: Option<&Arc<Root>>,
) -> std::result::Result<Reply, Error> {
    let scope = scope(flags, root);
    if has(flags, PROBE_LOCALITY) {
        nonblocking::probe_locality(&scope, path);
    }
    let rules = rules(flags, max_bytes);
    let file = read::open(&scope, path, &rules)?;
    let mut record = describe(containment(&scope), &file);
    if file.size() > COPIED {
        record.numbers[layout::LENGTH] = length(usize::try_from(file.size()).unwrap_or(usize::MAX));
        return Ok(Reply {
            record,
            extra: Extra::Pending(file),
        });
    }
    let mut data = vec![0; usize::try_from(file.size()).unwrap_or_default()];
    match file.read(&mut data, rules.max_bytes)? {
        Content::Fits(count) => data.truncate(count),
        Content::Outgrown(content) => return Ok(outgrown(record, content)),
    }
    record.numbers[layout::LENGTH] = length(data.len());
    Ok(Reply {
        record,
        extra: Extra::Data(data),
    })
}

/// Builds the reply for content that is larger than the file's size at the open.
fn outgrown(mut record: Record, content: Vec<u8>) -> Reply {
    record.numbers[layout::LENGTH] = length(content.len());
    let is_held = content.len() as u64 > COPIED;
    record.numbers[layout::IS_HELD] = f64::from(u8::from(is_held));
    let extra = if is_held {
        Extra::Content(content)
    } else {
        Extra::Data(content)
    };
    Reply { record, extra }
}

/// Fills an array that JavaScript has just created with content that was read before.
#[napi(catch_unwind)]
pub fn read_take(content: &External<Slot<Vec<u8>>>, mut buf: Bytes) {
    let content = content.take().unwrap_or_default();
    let buf = buf.as_mut_slice();
    let count = content.len().min(buf.len());
    buf[..count].copy_from_slice(&content[..count]);
}

/// Second half of a large read: fills an array that JavaScript has just created.
pub struct Fill {
    file: Option<OpenFile>,
    buf: Uint8Array,
    max_bytes: f64,
}

impl Task for Fill {
    type Output = Reply;
    type JsValue = Reply;

    fn compute(&mut self) -> Result<Reply> {
        let Some(file) = self.file.take() else {
            return Err(napi::Error::from_reason("a file is read once"));
        };
        let reply = caught(|| {
            failpoint::hit("job");
            self.read(file)
        });
        Ok(reply.unwrap_or_else(|panic| Reply::failed(&panic)))
    }

    fn resolve(&mut self, _: Env, reply: Reply) -> Result<Reply> {
        Ok(reply)
    }
}

impl Fill {
    fn read(&mut self, file: OpenFile) -> Reply {
        // SAFETY: JavaScript created this array for this call and passes it on only after the
        // promise settles, so no other thread accesses it; the task's reference keeps it alive. Its
        // bytes are arbitrary but valid: see `Bytes::as_mut_slice`.
        let buf = unsafe { self.buf.as_mut() };
        let max_bytes = rules(0, self.max_bytes).max_bytes;
        let result = guarded(|| {
            let mut record = Record::new(0.0);
            match file.read(buf, max_bytes)? {
                Content::Fits(count) => {
                    record.numbers[layout::LENGTH] = length(count);
                    Ok(Reply::of(Ok(record)))
                }
                Content::Outgrown(content) => Ok(outgrown(record, content)),
            }
        });
        result.unwrap_or_else(|failure| Reply::of(Err(failure)))
    }
}

/// Reads a file that [`read_async`] left open.
#[napi(catch_unwind)]
pub fn read_fill(
    pending: &External<Slot<OpenFile>>,
    buf: Uint8Array,
    max_bytes: f64,
) -> AsyncTask<Fill> {
    let file = pending.take();
    AsyncTask::new(Fill {
        file,
        buf,
        max_bytes,
    })
}

/// Closes a file in the pool: `close` may wait for a server.
#[napi(catch_unwind)]
pub fn read_drop(pending: &External<Slot<OpenFile>>) -> AsyncTask<Job> {
    let file = pending.take();
    Job::queue(move || {
        drop(file);
        Reply::of(Ok(Record::new(0.0)))
    })
}
