//! What belongs to one environment (`napi_env`).
//!
//! It hangs on the environment itself (`napi_set_instance_data`). A thread may have several: an
//! embedder that runs contexts side by side has them, and so has a process that loads the binary a
//! second time.

use crate::unfinished::UnfinishedFiles;
use napi::bindgen_prelude::{Result, sys};
use napi::{Env, Error, Status};
use std::ffi::c_void;
use std::ptr::{self, NonNull};

/// The state of one environment. Only the thread of that environment touches it.
#[derive(Default)]
pub(crate) struct EnvState {
    /// The files in the making.
    pub(crate) unfinished: UnfinishedFiles,
}

/// Calls `use_state` with the state of the calling environment, and makes it at the first call.
///
/// # Errors
///
/// The environment takes no data: it is ending.
pub(crate) fn with_state<T>(env: &Env, use_state: impl FnOnce(&mut EnvState) -> T) -> Result<T> {
    let mut state = existing(env)?.map_or_else(|| create(env), Ok)?;
    // SAFETY: the pointer comes from `create`, and is freed only by `free`, which runs when the
    // environment ends: no function of it is called then or later. Calls of one environment run
    // on one thread, one after the other, and `use_state` calls no JavaScript, so that no other
    // reference exists.
    Ok(use_state(unsafe { state.as_mut() }))
}

fn existing(env: &Env) -> Result<Option<NonNull<EnvState>>> {
    let mut data = ptr::null_mut();
    // SAFETY: the environment is that of the running call, and the result is written to our memory.
    let status = unsafe { sys::napi_get_instance_data(env.raw(), &raw mut data) };
    checked(status)?;
    Ok(NonNull::new(data.cast()))
}

fn create(env: &Env) -> Result<NonNull<EnvState>> {
    let state = Box::into_raw(Box::<EnvState>::default());
    // SAFETY: the environment is that of the running call. The box is the environment's from now
    // on, and `free` gets it back once.
    let status = unsafe {
        sys::napi_set_instance_data(env.raw(), state.cast(), Some(free), ptr::null_mut())
    };
    if let Err(error) = checked(status) {
        // SAFETY: the call failed, so that nothing else knows the box that was just made.
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
