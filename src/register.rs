//! Verbs on the calling thread, registered without `#[napi]` and its cost per argument.
//!
//! A small read is four system calls and takes a few microseconds. A tenth of that would be the
//! macro's scopes and conversions, and the lookup of the scratch memory's address in each call. So
//! these few functions are registered by hand: they convert their arguments themselves, write into
//! the scratch memory that [`direct`] got once, and never throw. Errors and panics are records, as
//! everywhere.

use crate::call::{Call, CallState, MAX_ARGUMENTS, Value};
use crate::panic::caught;
use crate::record::{Record, Scratch};
use crate::verbs;
use holdfast_core::error::Error;
use holdfast_core::{failpoint, features};
use napi::Env;
use napi::bindgen_prelude::{FromNapiValue, JsValue, Object, Result, Unknown, sys};
use napi_derive::napi;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::rc::Rc;

/// A verb of [`crate::verbs`]. It fills a record that starts as a success without fields.
type Verb = fn(&Call<'_>, &mut Record) -> std::result::Result<Value, Error>;

/// Runs a verb, and writes its record to the scratch memory.
fn run(env: sys::napi_env, info: sys::napi_callback_info, verb: Verb) -> sys::napi_value {
    let mut arguments = [ptr::null_mut(); MAX_ARGUMENTS];
    let mut count = MAX_ARGUMENTS;
    let mut state = ptr::null_mut::<c_void>();
    // SAFETY: both belong to the running call. At most `count` arguments are written, missing ones
    // as `undefined`; the receiver is not requested.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            arguments.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut state,
        )
    };
    if status != sys::Status::napi_ok {
        return ptr::null_mut();
    }
    // SAFETY: `direct` gave each of these functions a reference count of the state, which is
    // released when the function is collected.
    let state = unsafe { &*state.cast::<CallState>() };
    let call = Call {
        env,
        arguments,
        state,
    };
    let mut record = Record::new(0.0);
    let result = caught(|| {
        failpoint::hit("core");
        verb(&call, &mut record).unwrap_or_else(|error| {
            record = Record::failure(&error);
            None
        })
    });
    let value = result.unwrap_or_else(|panic| {
        record = Record::defect(&panic);
        None
    });
    state.scratch.put(&record);
    value.unwrap_or_else(ptr::null_mut)
}

/// Defines the Node-API callbacks of the verbs.
macro_rules! callbacks {
    ($($name:ident => $verb:path),+ $(,)?) => {
        $(unsafe extern "C" fn $name(
            env: sys::napi_env,
            info: sys::napi_callback_info,
        ) -> sys::napi_value {
            run(env, info, $verb)
        })+
    };
}

callbacks! {
    read_sync => verbs::read::read_sync,
    read_cached => verbs::read::read_cached,
    end_batch => verbs::read::end_batch,
    ensure_dir_sync => verbs::ensure_dir::ensure_dir_sync,
    ensure_dir_cached => verbs::ensure_dir::ensure_dir_cached,
    write_sync => verbs::write::write_sync,
    append_sync => verbs::append::append_sync,
    write_target => verbs::write_target::write_target,
    open_cached => verbs::open::open_cached,
    root_open_cached => verbs::root::root_open_cached,
    stat_cached => verbs::stat::stat_cached,
    stat_sync => verbs::stat::stat_sync,
    readlink_sync => verbs::stat::readlink_sync,
    list_sync => verbs::list::list_sync,
}

const FUNCTIONS: [(&CStr, sys::napi_callback); 14] = [
    (c"readSync", Some(read_sync)),
    (c"readCached", Some(read_cached)),
    (c"endBatch", Some(end_batch)),
    (c"ensureDirSync", Some(ensure_dir_sync)),
    (c"ensureDirCached", Some(ensure_dir_cached)),
    (c"writeSync", Some(write_sync)),
    (c"appendSync", Some(append_sync)),
    (c"writeTarget", Some(write_target)),
    (c"openCached", Some(open_cached)),
    (c"rootOpenCached", Some(root_open_cached)),
    (c"statCached", Some(stat_cached)),
    (c"statSync", Some(stat_sync)),
    (c"readlinkSync", Some(readlink_sync)),
    (c"listSync", Some(list_sync)),
];

/// Finalizes a function: releases its reference count of the state. The last one frees the
/// state.
unsafe extern "C" fn drop_state(_: sys::napi_env, state: *mut c_void, _: *mut c_void) {
    // SAFETY: `direct` gave this count of the state to this function alone, which is not called any
    // more, and whose finalizer runs once.
    drop(unsafe { Rc::from_raw(state.cast::<CallState>()) });
}

/// Creates the functions that write into `scratch`.
///
/// Each has a property with that memory, which keeps it alive.
#[napi(catch_unwind)]
pub fn direct<'env>(env: &'env Env, scratch: Unknown<'env>) -> Result<Object<'env>> {
    let checked = |status: sys::napi_status| {
        (status == sys::Status::napi_ok)
            .then_some(())
            .ok_or_else(|| napi::Error::from_reason("a function could not be made"))
    };
    // Here, so that the number of open descriptors does not change during a later call.
    features::open_shared_descriptors();
    let functions = Object::new(env)?;
    let (raw, memory) = (env.raw(), scratch.raw());
    // SAFETY: both belong to the running call.
    let scratch = unsafe { Scratch::from_napi_value(raw, memory) }?;
    let state = Rc::new(CallState::new(scratch));
    for (name, callback) in FUNCTIONS {
        let mut function = ptr::null_mut();
        let raw_state = Rc::into_raw(Rc::clone(&state)).cast::<c_void>().cast_mut();
        // SAFETY: the name is a C string of that length, and the callback is one of ours, which
        // expects the state as its data; the out-pointer is ours.
        checked(unsafe {
            sys::napi_create_function(
                raw,
                name.as_ptr(),
                name.count_bytes().cast_signed(),
                callback,
                raw_state,
                &raw mut function,
            )
        })?;
        // SAFETY: the function was just created in the running call; the finalizer receives the
        // pointer given here. No reference is requested.
        checked(unsafe {
            sys::napi_add_finalizer(
                raw,
                function,
                raw_state,
                Some(drop_state),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        // SAFETY: function and memory belong to the running call.
        checked(unsafe {
            sys::napi_set_named_property(raw, function, c"scratch".as_ptr(), memory)
        })?;
        // SAFETY: object and function were just created in the running call.
        checked(unsafe {
            sys::napi_set_named_property(raw, functions.raw(), name.as_ptr(), function)
        })?;
    }
    Ok(functions)
}
