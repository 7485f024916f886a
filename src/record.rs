//! Results for JavaScript: numbers at fixed indices, and text.
//!
//! [`crate::record_layout`] defines the layout, which `lib/native/record.ts` mirrors. The result of
//! a synchronous call is written into memory that JavaScript owns and reuses, so no object is
//! created.

use crate::panic::{Panic, caught};
use crate::record_layout::{
    CONTAINMENT, IS_AS_GIVEN, NUMBERS, STATUS, STATUS_FAILED, STATUS_NOT_CACHED,
    STATUS_UNKNOWN_MOUNT, STATUS_UNREAD, TEXT, TEXT_LENGTH, failure, identity, read, stat,
};
use holdfast_core::error::{Code, Error, Os};
use holdfast_core::failpoint;
use holdfast_core::ops::Failure;
use holdfast_core::path;
use holdfast_core::resolve::Scope;
use holdfast_core::{Stat, Time};
use napi::bindgen_prelude::{FromNapiValue, Result, sys};

/// Writes device and inode into a record.
#[allow(
    clippy::cast_possible_truncation,
    reason = "as in fs.Stats, and the bits that are lost there"
)]
pub(crate) fn set_identity(record: &mut Record, (dev, ino): (u64, u64)) {
    record.numbers[identity::DEV] = dev as f64;
    record.numbers[identity::INO] = ino as f64;
    record.numbers[identity::INO_LOW] = f64::from(ino as u32);
}

/// An unknown number.
const UNKNOWN: f64 = -1.0;

/// One result, or one error.
#[derive(Debug, Clone)]
pub struct Record {
    pub(crate) numbers: [f64; NUMBERS],
    pub(crate) text: Vec<u8>,
}

impl Record {
    /// Creates the record of a success, without fields.
    pub(crate) fn new(containment: f64) -> Self {
        let mut numbers = [0.0; NUMBERS];
        numbers[CONTAINMENT] = containment;
        Self {
            numbers,
            text: Vec::new(),
        }
    }

    /// Creates the record for a call that would block.
    pub(crate) fn not_cached(probe_locality: bool) -> Self {
        let mut record = Self::new(0.0);
        record.numbers[STATUS] = if probe_locality {
            STATUS_UNKNOWN_MOUNT
        } else {
            STATUS_NOT_CACHED
        };
        record
    }

    /// Marks the record complete except for the content.
    pub(crate) fn set_unread(&mut self, size: u64) {
        self.numbers[STATUS] = STATUS_UNREAD;
        self.numbers[read::LENGTH] = size as f64;
    }

    /// Writes the real path into the text, unless it equals the given one.
    #[inline(always)]
    pub(crate) fn set_path(&mut self, real: Option<&[u8]>) {
        match real {
            Some(real) => self.text.extend_from_slice(&path::shown(real)),
            None => self.numbers[IS_AS_GIVEN] = 1.0,
        }
    }

    /// Writes all fields of `fs.Stats`, in the order of `lib/native/stats.ts`.
    #[inline(always)]
    pub(crate) fn set_stat(&mut self, status: &Stat) {
        let numbers = stat_numbers(status);
        let (fields, times) = numbers.split_at(STAT_FIELDS);
        self.numbers[stat::FIRST..stat::FIRST + fields.len()].copy_from_slice(fields);
        self.numbers[stat::NANOSECONDS..stat::NANOSECONDS + times.len()].copy_from_slice(times);
    }

    /// Creates the record of an error: its code, case, call, second path and the path of a
    /// temporary that remains, each ended by a NUL.
    pub(crate) fn failure(error: &Error) -> Self {
        let mut record = Self::new(0.0);
        let numbers = &mut record.numbers;
        numbers[STATUS] = STATUS_FAILED;
        let optional = |number: Option<u32>| number.map_or(UNKNOWN, f64::from);
        let (error, remains) = match error {
            Error::Incomplete { error, remains } => (&**error, Some(remains)),
            other => (other, None),
        };
        let (left, left_os) = remains
            .and_then(|remains| remains.temporary.as_ref())
            .map_or((None, None), |(path, os)| (Some(&**path), Some(*os)));
        let (kept_mode, kept_os) = remains
            .and_then(|remains| remains.mode)
            .map_or((None, None), |(mode, os)| (Some(mode), os));
        let errno = |os: Option<Os>| os.map_or(0.0, |os| f64::from(os.errno));
        numbers[failure::LEFT_ERRNO] = errno(left_os);
        numbers[failure::KEPT_MODE] = optional(kept_mode);
        numbers[failure::KEPT_ERRNO] = errno(kept_os);
        let (code, detail, os, temporary) = match error {
            Error::Refused(refusal) => {
                numbers[failure::MODE] = optional(refusal.mode);
                numbers[failure::UID] = optional(refusal.uid);
                numbers[failure::EUID] = optional(refusal.euid);
                numbers[failure::SIZE] = refusal.size.map_or(UNKNOWN, |size| size as f64);
                let lock_file = refusal.lock_file.as_deref();
                (refusal.code.as_str(), refusal.detail, refusal.os, lock_file)
            }
            Error::System { os, temporary } => ("", "", Some(*os), temporary.as_deref()),
            // `Error` never nests it.
            Error::Incomplete { .. } => (Code::Internal.as_str(), "nested", None, None),
        };
        numbers[failure::ERRNO] = errno(os);
        for part in [
            code.as_bytes(),
            detail.as_bytes(),
            os.map_or("", |os| os.syscall).as_bytes(),
            &temporary.map(path::shown).unwrap_or_default(),
            &left.map(path::shown).unwrap_or_default(),
        ] {
            record.text.extend_from_slice(part);
            record.text.push(0);
        }
        record
    }

    /// Creates the record of a failure of a call on many entries or two paths: that of its error,
    /// with the entry after the second path.
    pub(crate) fn unfinished(failure: &Failure) -> Self {
        let mut record = Self::failure(&failure.error);
        record.numbers[failure::DONE] = failure.done as f64;
        record.numbers[failure::IS_SECOND] = f64::from(u8::from(failure.is_second));
        record.text.extend_from_slice(&path::shown(&failure.entry));
        record
    }

    /// Creates the record of an internal error, with the panic's message.
    pub(crate) fn defect(panic: &Panic) -> Self {
        let mut record = Self::failure(&Error::refused(Code::Internal, ""));
        record.text = format!(
            "{}\0{}\0\0\0\0",
            Code::Internal.as_str(),
            panic.0.replace('\0', " ")
        )
        .into_bytes();
        record
    }

    /// Serialises the record, for one that outlives the call.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(NUMBERS * 8 + self.text.len());
        let mut numbers = self.numbers;
        numbers[TEXT_LENGTH] = length(self.text.len());
        for number in numbers {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.text);
        bytes
    }
}

/// Fields of a stat before the nanoseconds of its four times.
const STAT_FIELDS: usize = 14;

/// Returns all fields of `fs.Stats`, in the order of `lib/native/stats.ts`, and the nanoseconds.
#[inline(always)]
pub(crate) fn stat_numbers(status: &Stat) -> [f64; STAT_FIELDS + 4] {
    [
        status.dev as f64,
        f64::from(status.mode),
        status.nlink as f64,
        f64::from(status.uid),
        f64::from(status.gid),
        status.rdev as f64,
        status.blksize as f64,
        status.ino as f64,
        status.size as f64,
        status.blocks as f64,
        milliseconds(status.accessed),
        milliseconds(status.modified),
        milliseconds(status.changed),
        milliseconds(status.born),
        f64::from(status.accessed.nanoseconds),
        f64::from(status.modified.nanoseconds),
        f64::from(status.changed.nanoseconds),
        f64::from(status.born.nanoseconds),
    ]
}

/// Runs the core, and converts an error or a panic to a record.
#[allow(
    clippy::result_large_err,
    reason = "a record is moved once, on the way out of a call that failed"
)]
pub(crate) fn guarded<T>(
    body: impl FnOnce() -> std::result::Result<T, Error>,
) -> std::result::Result<T, Record> {
    let result = caught(|| {
        failpoint::hit("core");
        body()
    });
    match result {
        Ok(result) => result.map_err(|error| Record::failure(&error)),
        Err(panic) => Err(Record::defect(&panic)),
    }
}

/// Runs the core as [`guarded`] does, for a call that says how far it came.
#[allow(
    clippy::result_large_err,
    reason = "a record is moved once, on the way out of a call that failed"
)]
pub(crate) fn guarded_steps(
    body: impl FnOnce() -> std::result::Result<Record, Failure>,
) -> std::result::Result<Record, Record> {
    let result = caught(|| {
        failpoint::hit("core");
        body()
    });
    match result {
        Ok(result) => result.map_err(|failure| Record::unfinished(&failure)),
        Err(panic) => Err(Record::defect(&panic)),
    }
}

/// Returns the number for what confined a call to its root, in the order of `lib/native/record.ts`.
pub(crate) fn containment(scope: &Scope<'_>) -> f64 {
    match (scope.root.is_some(), scope.is_contained_by_kernel()) {
        (false, _) => 0.0,
        (true, false) => 2.0,
        (true, true) => 1.0,
    }
}

/// Returns milliseconds, computed as libuv and Node do, so that the doubles are equal.
pub(crate) fn milliseconds(time: Time) -> f64 {
    time.seconds as f64 * 1000.0 + f64::from(time.nanoseconds) / 1_000_000.0
}

pub(crate) fn length(bytes: usize) -> f64 {
    bytes as f64
}

/// The memory of JavaScript that a synchronous call writes its record to.
#[derive(Clone, Copy)]
pub struct Scratch {
    start: *mut f64,
}

impl Scratch {
    /// Writes a record.
    pub(crate) fn put(self, record: &Record) {
        let fits = record.text.len().min(TEXT);
        // SAFETY: `from_napi_value` checked the length. The memory belongs to the JavaScript of the
        // calling thread, which does not run meanwhile, and no other reference to it exists.
        let buf = unsafe { std::slice::from_raw_parts_mut(self.start, NUMBERS) };
        buf.copy_from_slice(&record.numbers);
        buf[TEXT_LENGTH] = length(fits);
        if fits == 0 {
            return;
        }
        // SAFETY: the text begins right after the numbers, within the checked length.
        let text = unsafe { self.start.add(NUMBERS) };
        // SAFETY: as for the numbers; any byte is a valid `u8`.
        let buf = unsafe { std::slice::from_raw_parts_mut(text.cast::<u8>(), TEXT) };
        buf[..fits].copy_from_slice(&record.text[..fits]);
    }
}

impl FromNapiValue for Scratch {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut kind = 0;
        let mut count = 0;
        let mut start = std::ptr::null_mut();
        // SAFETY: `env` and `value` belong to the running call, and the three out-pointers are
        // ours; those not needed may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &raw mut kind,
                &raw mut count,
                &raw mut start,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        let is_fit = status == sys::Status::napi_ok
            && kind == sys::TypedarrayType::float64_array
            && count >= NUMBERS + TEXT / 8;
        if !is_fit {
            return Err(napi::Error::from_reason("no place for the result"));
        }
        Ok(Self {
            start: start.cast(),
        })
    }
}
