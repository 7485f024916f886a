//! The state of one environment (`napi_env`).
//!
//! It is attached to the environment itself (`napi_set_instance_data`). A thread may have several
//! environments: an embedder that runs contexts side by side, or a process that loads the binary
//! twice.

use crate::unfinished_files::UnfinishedFiles;
use napi::bindgen_prelude::{Result, sys};
use napi::{Env, Error, Status};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

/// The state of one environment. Only the thread of that environment accesses it.
#[derive(Default)]
pub(crate) struct EnvState {
    /// The unfinished files.
    pub(crate) unfinished: UnfinishedFiles,
}

/// Calls `use_state` with the state of the calling environment. The first call creates the state.
///
/// # Errors
///
/// The environment accepts no data: it is ending.
pub(crate) fn with_state<T>(env: &Env, use_state: impl FnOnce(&mut EnvState) -> T) -> Result<T> {
    let mut state = existing(env)?.map_or_else(|| create(env), Ok)?;
    // SAFETY: `create` made the pointer, and only `free` frees it, at the environment's end. Calls
    // of one environment run on one thread, one after the other, and `use_state` calls no
    // JavaScript, so no other reference exists.
    Ok(use_state(unsafe { state.as_mut() }))
}

fn existing(env: &Env) -> Result<Option<NonNull<EnvState>>> {
    let mut data = ptr::null_mut();
    // SAFETY: the environment belongs to the running call, and the result is written to our memory.
    let status = unsafe { sys::napi_get_instance_data(env.raw(), &raw mut data) };
    checked(status)?;
    Ok(NonNull::new(data.cast()))
}

fn create(env: &Env) -> Result<NonNull<EnvState>> {
    let state = Box::into_raw(Box::<EnvState>::default());
    // SAFETY: the environment belongs to the running call. It owns the box from here on, and passes
    // it to `free` once.
    let status = unsafe {
        sys::napi_set_instance_data(env.raw(), state.cast(), Some(free), ptr::null_mut())
    };
    if let Err(error) = checked(status) {
        // SAFETY: the call failed, so this is the only pointer to the new box.
        drop(unsafe { Box::from_raw(state) });
        return Err(error);
    }
    NonNull::new(state).ok_or_else(|| Error::from_reason("no state"))
}

/// Frees the state when its environment ends.
unsafe extern "C" fn free(_: sys::napi_env, state: *mut c_void, _: *mut c_void) {
    // SAFETY: `create` gave this box to the environment, which calls this once, at its end.
    drop(unsafe { Box::from_raw(state.cast::<EnvState>()) });
}

fn checked(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::new(
            Status::GenericFailure,
            "the environment takes no data",
        ))
    }
}
