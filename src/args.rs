//! Arguments as `lib/options/` packs them: paths, bytes, and options as bits.

use holdfast_core::failpoint;
use holdfast_core::resolve::Root;
use holdfast_core::resolve::{Policy, Resolver, Scope};
use napi::bindgen_prelude::{FromNapiValue, Result, sys};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// A path as bytes: UTF-8 of a string, or the content of a Buffer.
pub struct PathArgument(pub Vec<u8>);

impl FromNapiValue for PathArgument {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut room = PathRoom::new();
        // SAFETY: the caller guarantees that both belong to the running call.
        let path = unsafe { room.take_over(env, value) }?;
        Ok(Self(path.to_vec()))
    }
}

/// Buffer size in bytes that fits nearly every path, so that one call converts it on the stack.
const USUAL: usize = 512;

/// Memory that a path of JavaScript is copied into.
pub(crate) struct PathRoom {
    usual: [MaybeUninit<u8>; USUAL],
    longer: Vec<u8>,
}

impl PathRoom {
    pub(crate) fn new() -> Self {
        Self {
            usual: [const { MaybeUninit::uninit() }; USUAL],
            longer: Vec::new(),
        }
    }

    /// Copies a path.
    ///
    /// # Errors
    ///
    /// The value is neither a string nor a `Uint8Array`, or there is no memory for it.
    ///
    /// # Safety
    ///
    /// `env` and `value` belong to the running call.
    pub(crate) unsafe fn take_over(
        &mut self,
        env: sys::napi_env,
        value: sys::napi_value,
    ) -> Result<&[u8]> {
        /// Bytes of the longest character, with the NUL that ends the string.
        const MAX_UTF8_LEN: usize = 5;
        failpoint::hit("argument");
        match copy_string(env, value, &mut self.usual) {
            Some(length) if length + MAX_UTF8_LEN < USUAL => {
                // SAFETY: the call returned the number of bytes that it filled.
                return Ok(unsafe {
                    std::slice::from_raw_parts(self.usual.as_ptr().cast(), length)
                });
            }
            Some(_) => {}
            None => {
                // SAFETY: both belong to the running call.
                let view = unsafe { Bytes::from_napi_value(env, value) }?;
                self.longer.extend_from_slice(view.as_slice());
                return Ok(&self.longer);
            }
        }
        // The string may have been cut, before a character that did not fit whole. A UTF-16 unit
        // has at most three bytes.
        let room = string_length(env, value) * 3 + 1;
        self.longer.try_reserve_exact(room).map_err(|_| {
            napi::Error::from_reason("a path is longer than the memory that can be had for it")
        })?;
        let length = copy_string(env, value, self.longer.spare_capacity_mut());
        // SAFETY: the call returned the number of bytes that it filled within the capacity.
        unsafe { self.longer.set_len(length.unwrap_or_default()) };
        Ok(&self.longer)
    }
}

/// Copies a string into `buf`, and returns the number of bytes filled; `None` when the value is
/// no string.
fn copy_string(
    env: sys::napi_env,
    value: sys::napi_value,
    buf: &mut [MaybeUninit<u8>],
) -> Option<usize> {
    let mut length = 0;
    // SAFETY: `env` and `value` belong to the running call. It writes at most the given number of
    // bytes, the final NUL included, into memory that is exclusively ours.
    let status = unsafe {
        sys::napi_get_value_string_utf8(
            env,
            value,
            buf.as_mut_ptr().cast(),
            buf.len(),
            &raw mut length,
        )
    };
    (status == sys::Status::napi_ok).then_some(length)
}

/// Returns the length of a string in UTF-16 units.
fn string_length(env: sys::napi_env, value: sys::napi_value) -> usize {
    let mut length = 0;
    // SAFETY: both belong to the running call; without a buffer, only the length is written.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, value, std::ptr::null_mut(), 0, &raw mut length)
    };
    if status == sys::Status::napi_ok {
        length
    } else {
        0
    }
}

/// The bytes of a `Uint8Array`, borrowed for the length of a synchronous call.
pub struct Bytes {
    start: *mut u8,
    length: usize,
}

impl Bytes {
    /// Returns the bytes; valid until JavaScript runs again.
    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: Node-API returned start and length for a live array of the running call. Only
        // JavaScript could change or detach it; it runs on this thread, and not now. `lib/` copies
        // shared memory, which other threads could change, before the call.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// Returns the bytes for writing. Only for an array that JavaScript has just created for this.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.length == 0 {
            return &mut [];
        }
        // SAFETY: as in `as_slice`; the array is new, so no other reference to its memory exists.
        // Bytes that JavaScript did not fill are arbitrary but valid `u8`s: memory that foreign
        // code allocated and passed on counts as written by that code.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

impl Bytes {
    /// Wraps the bytes of an array that the running call has created.
    ///
    /// # Safety
    ///
    /// `length` initialised bytes lie at `start` until JavaScript runs again. No other reference to
    /// them exists.
    pub(crate) unsafe fn new(start: *mut u8, length: usize) -> Self {
        Self { start, length }
    }
}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut kind = 0;
        let mut length = 0;
        let mut start = std::ptr::null_mut();
        // SAFETY: both belong to the running call, and the out-pointers are ours; those not needed
        // may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &raw mut kind,
                &raw mut length,
                &raw mut start,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::uint8_array {
            return Err(napi::Error::from_reason("not a Uint8Array"));
        }
        Ok(Self {
            start: start.cast(),
            length,
        })
    }
}

/// Returns the resolver of this process. `holdfast_core::sys` caches the probe.
pub(crate) fn resolver() -> Resolver {
    Resolver::detect()
}

/// Decodes the lowest two bits of every verb's flags.
pub(crate) fn policy(flags: u32) -> Policy {
    match flags & 3 {
        0 => Policy::Reject,
        1 => Policy::FollowParents,
        2 => Policy::FollowWithinRoot,
        _ => Policy::FollowTrusted,
    }
}

/// Builds the scope from flags and root.
pub(crate) fn scope(flags: u32, root: Option<&Arc<Root>>) -> Scope<'_> {
    Scope {
        root,
        policy: policy(flags),
        resolver: resolver(),
    }
}

/// Flag bit: a file that is opened on the calling thread is not handed over to the pool.
pub(crate) const NO_HANDOVER: u32 = 30;

/// Bit of a read's flags: the caller decodes the content as UTF-8, Latin-1 or ASCII, and takes a
/// string instead of bytes where these agree.
pub(crate) const TEXT: u32 = 29;

/// Flag bit of a cached read: it belongs to a batch, whose number is an argument.
pub(crate) const IN_BATCH: u32 = 28;

/// Flag bit: a job in the pool first determines the locality of the file system.
pub(crate) const PROBE_LOCALITY: u32 = 31;

/// Returns whether a bit of the flags is set.
pub(crate) fn has(flags: u32, bit: u32) -> bool {
    flags & (1 << bit) != 0
}
