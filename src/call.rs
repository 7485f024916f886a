//! One call of a function that was registered by hand: its arguments and the values it creates.

use crate::args::{Bytes, PathRoom};
use crate::handle::{RootHandle, clone_root};
use crate::record::Scratch;
use holdfast_core::error::{Code, Error};
use holdfast_core::nonblocking::HeldParent;
use holdfast_core::resolve::Root;
use napi::bindgen_prelude::{External, FromNapiRef, FromNapiValue, sys};
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::{Arc, Weak};

/// Most arguments of any of these functions.
pub(crate) const MAX_ARGUMENTS: usize = 8;

/// State shared by the calls of one set of functions.
pub(crate) struct CallState {
    pub(crate) scratch: Scratch,
    /// The root of the last call that had one, by its number: reading a handle costs more than the
    /// system call that a root saves.
    root: RefCell<(f64, Weak<Root>)>,
    /// See [`Call::room`].
    room: Cell<Box<[u8]>>,
    /// The number of the last batch of reads, and the directory that it holds.
    batch: RefCell<(f64, HeldParent)>,
}

/// Bytes of [`Call::room`]: text of up to 64 KiB, and one byte more to detect growth.
const ROOM: usize = 64 * 1024 + 1;

fn new_room() -> Box<[u8]> {
    vec![0; ROOM].into_boxed_slice()
}

/// The buffer of [`Call::room`], taken out for one call: JavaScript that a call runs may start
/// another one.
pub(crate) struct Room<'a> {
    place: &'a Cell<Box<[u8]>>,
    bytes: Box<[u8]>,
}

impl Deref for Room<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Room<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Room<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.place.set(std::mem::take(&mut self.bytes));
    }
}

impl CallState {
    pub(crate) fn new(scratch: Scratch) -> Self {
        Self {
            scratch,
            root: RefCell::new((0.0, Weak::new())),
            room: Cell::new(new_room()),
            batch: RefCell::default(),
        }
    }

    /// Closes the directory that a batch of reads holds.
    pub(crate) fn end_batch(&self) {
        self.batch.take();
    }
}

/// One call, with its arguments.
pub(crate) struct Call<'a> {
    pub(crate) env: sys::napi_env,
    pub(crate) arguments: [sys::napi_value; MAX_ARGUMENTS],
    pub(crate) state: &'a CallState,
}

/// A JavaScript value that a verb returns in addition to its record; `None` where there is none.
pub(crate) type Value = Option<sys::napi_value>;

/// Returns the error for an argument that `lib/` never passes: a defect of ours.
fn unfit() -> Error {
    Error::refused(
        Code::Internal,
        "an argument of another kind than was agreed",
    )
}

impl Call<'_> {
    /// Returns a buffer of the binary's own, which JavaScript never accesses. Small content is read
    /// into it and copied. That costs less than a read into two segments, an array of the exact
    /// size and a byte to detect growth.
    #[inline(always)]
    pub(crate) fn room(&self) -> Room<'_> {
        let place = &self.state.room;
        let mut bytes = place.take();
        if bytes.is_empty() {
            bytes = new_room();
        }
        Room { place, bytes }
    }

    /// Returns a path.
    pub(crate) fn path<'r>(
        &self,
        index: usize,
        room: &'r mut PathRoom,
    ) -> std::result::Result<&'r [u8], Error> {
        // SAFETY: both belong to the running call.
        unsafe { room.take_over(self.env, self.arguments[index]) }.map_err(|_| unfit())
    }

    /// Returns options as bits, or a mode.
    pub(crate) fn bits(&self, index: usize) -> std::result::Result<u32, Error> {
        let mut bits = 0;
        // SAFETY: environment and value belong to the running call, and the out-pointer is ours.
        let status =
            unsafe { sys::napi_get_value_uint32(self.env, self.arguments[index], &raw mut bits) };
        (status == sys::Status::napi_ok)
            .then_some(bits)
            .ok_or_else(unfit)
    }

    /// Returns a number.
    pub(crate) fn number(&self, index: usize) -> std::result::Result<f64, Error> {
        let mut number = 0.0;
        // SAFETY: as in `bits`.
        let status =
            unsafe { sys::napi_get_value_double(self.env, self.arguments[index], &raw mut number) };
        (status == sys::Status::napi_ok)
            .then_some(number)
            .ok_or_else(unfit)
    }

    /// Returns the bytes of a `Uint8Array`.
    pub(crate) fn bytes(&self, index: usize) -> std::result::Result<Bytes, Error> {
        // SAFETY: both belong to the running call.
        unsafe { Bytes::from_napi_value(self.env, self.arguments[index]) }.map_err(|_| unfit())
    }

    /// Returns the root of the call, if it has one: its handle is argument `index`, its number the
    /// next argument.
    pub(crate) fn root(&self, index: usize) -> std::result::Result<Option<Arc<Root>>, Error> {
        let value = self.arguments[index];
        if self.is_undefined(value) {
            return Ok(None);
        }
        let number = self.number(index + 1)?;
        let mut last = self.state.root.borrow_mut();
        // A closed root is gone, unless a job in the pool still uses it. JavaScript makes no call
        // with a root that it has closed.
        if let Some(root) = (last.0 == number).then(|| last.1.upgrade()).flatten() {
            return Ok(Some(root));
        }
        // SAFETY: both belong to the running call. A value that is no root is an error.
        let handle = unsafe { RootHandle::from_napi_ref(self.env, value) };
        let root = clone_root(Some(handle.map_err(|_| unfit())?))?;
        *last = root
            .as_ref()
            .map_or((0.0, Weak::new()), |root| (number, Arc::downgrade(root)));
        Ok(root)
    }

    /// Calls a function with the directory that the batch of a number holds. A directory of another
    /// batch is closed: its calls began at another time.
    pub(crate) fn in_batch<T>(&self, number: f64, call: impl FnOnce(&mut HeldParent) -> T) -> T {
        let mut batch = self.state.batch.borrow_mut();
        if batch.0.to_bits() != number.to_bits() {
            *batch = (number, HeldParent::default());
        }
        call(&mut batch.1)
    }

    /// Returns whether an argument is anything but `undefined`.
    pub(crate) fn is_given(&self, index: usize) -> bool {
        !self.is_undefined(self.arguments[index])
    }

    fn is_undefined(&self, value: sys::napi_value) -> bool {
        let mut kind = 0;
        // SAFETY: environment and value belong to the running call, and the out-pointer is ours.
        let status = unsafe { sys::napi_typeof(self.env, value, &raw mut kind) };
        status == sys::Status::napi_ok && kind == sys::ValueType::napi_undefined
    }

    /// Calls a JavaScript function, and returns its result; `None` when it throws.
    pub(crate) fn call_function(
        &self,
        index: usize,
        argument: Option<f64>,
    ) -> Option<sys::napi_value> {
        let mut result = ptr::null_mut();
        let mut given = ptr::null_mut();
        let mut receiver = ptr::null_mut();
        // SAFETY: the environment belongs to the running call, and the out-pointer is ours.
        let mut status = unsafe { sys::napi_get_undefined(self.env, &raw mut receiver) };
        if let (sys::Status::napi_ok, Some(number)) = (status, argument) {
            // SAFETY: as above.
            status = unsafe { sys::napi_create_double(self.env, number, &raw mut given) };
        }
        if status != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: all values belong to the running call; the argument count matches the array, and
        // the out-pointer for the result is ours.
        let status = unsafe {
            sys::napi_call_function(
                self.env,
                receiver,
                self.arguments[index],
                usize::from(argument.is_some()),
                &raw const given,
                &raw mut result,
            )
        };
        (status == sys::Status::napi_ok).then_some(result)
    }

    /// Returns whether a JavaScript function returns `true`.
    pub(crate) fn is_so(&self, index: usize) -> bool {
        let mut is_so = false;
        self.call_function(index, None).is_some_and(|result| {
            // SAFETY: the value was just created in the running call, and the out-pointer is ours.
            let status = unsafe { sys::napi_get_value_bool(self.env, result, &raw mut is_so) };
            status == sys::Status::napi_ok && is_so
        })
    }

    /// Calls JavaScript to create an array: only there is a lack of memory an error and not an
    /// abort. Where JavaScript cannot be called, as in a worker that is ending, the failure proves
    /// no lack of memory.
    pub(crate) fn allocated(
        &self,
        index: usize,
        size: u64,
    ) -> std::result::Result<(sys::napi_value, Bytes), Error> {
        let no_memory = || Error::refused(Code::TooLarge, "memory");
        let value = self
            .call_function(index, Some(size as f64))
            .ok_or_else(|| Error::refused(Code::Internal, "no array could be asked for"))?;
        // SAFETY: the value was just created in the running call; anything but a Uint8Array is an
        // error.
        let bytes = unsafe { Bytes::from_napi_value(self.env, value) }.map_err(|_| no_memory())?;
        if bytes.as_slice().len() as u64 != size {
            return Err(no_memory());
        }
        Ok((value, bytes))
    }

    /// Creates an `ArrayBuffer` filled with zeros. Node aborts the process when there is no memory
    /// for it, so it must be small.
    pub(crate) fn array_buffer(
        &self,
        size: usize,
    ) -> std::result::Result<(sys::napi_value, Bytes), Error> {
        let mut start = ptr::null_mut();
        let mut value = ptr::null_mut();
        // SAFETY: the environment belongs to the running call, and the out-pointers are ours.
        let status =
            unsafe { sys::napi_create_arraybuffer(self.env, size, &raw mut start, &raw mut value) };
        if status != sys::Status::napi_ok {
            return Err(Error::refused(Code::Internal, "no array could be made"));
        }
        // SAFETY: Node-API returned this start for that many bytes, which belong to the running
        // call.
        Ok((value, unsafe { Bytes::new(start.cast(), size) }))
    }

    /// Creates a string of ASCII characters; `None` where a byte is none.
    pub(crate) fn ascii(&self, text: &[u8]) -> Option<sys::napi_value> {
        if !text.is_ascii() {
            return None;
        }
        let mut value = ptr::null_mut();
        // SAFETY: the environment belongs to the running call, the text is only read and copied,
        // and the out-pointer is ours.
        let status = unsafe {
            sys::napi_create_string_latin1(
                self.env,
                text.as_ptr().cast(),
                text.len().cast_signed(),
                &raw mut value,
            )
        };
        (status == sys::Status::napi_ok).then_some(value)
    }

    /// Creates a Buffer with a copy of the data.
    pub(crate) fn buffer(&self, data: &[u8]) -> std::result::Result<sys::napi_value, Error> {
        let mut value = ptr::null_mut();
        // SAFETY: the environment belongs to the running call, the data are only read, and the
        // out-pointer is ours; the address of the copy is not requested.
        let status = unsafe {
            sys::napi_create_buffer_copy(
                self.env,
                data.len(),
                data.as_ptr().cast(),
                ptr::null_mut(),
                &raw mut value,
            )
        };
        (status == sys::Status::napi_ok)
            .then_some(value)
            .ok_or_else(|| Error::refused(Code::Internal, "no Buffer could be made"))
    }

    /// Creates an external that holds `thing`.
    pub(crate) fn external<T: 'static>(
        &self,
        thing: T,
    ) -> std::result::Result<sys::napi_value, Error> {
        // SAFETY: the environment belongs to the running call.
        unsafe { napi::bindgen_prelude::ToNapiValue::to_napi_value(self.env, External::new(thing)) }
            .map_err(|_| Error::refused(Code::Internal, "no handle could be made"))
    }
}
