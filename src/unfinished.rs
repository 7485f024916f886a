//! Files in the making, which must not outlive their environment.
//!
//! The collector drops those that nobody finishes, and the end of a worker those that are left.
//! The end of the process drops nothing: Node waits for the jobs in its pool, and leaves. What is
//! unfinished then is given up by [`give_up`], which `lib/native.js` calls on the event `exit`.

use crate::env_state::with_state;
use crate::slot::Slot;
use crate::verbs::stage::Held;
use holdfast_core::error::{Code, Error};

use napi::Env;
use napi::bindgen_prelude::Result;
use napi_derive::napi;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A file in the making. A job takes it, and puts it back unless it was the last.
pub(crate) struct Unfinished {
    file: Slot<Held>,
    number: u64,
    home: Home,
}

impl Unfinished {
    /// The file, for a job that works on it.
    ///
    /// # Errors
    ///
    /// [`Code::Internal`] when it is finished, or was given up with its environment.
    pub(crate) fn take(&self) -> std::result::Result<Held, Error> {
        self.file
            .take()
            .ok_or_else(|| Error::refused(Code::Internal, "stage-used-twice"))
    }

    /// The file again, for the next job; dropped, if everything was given up meanwhile.
    pub(crate) fn put_back(&self, file: Held) {
        // Under the lock: either this is in time to be given up, or it sees that it is not.
        let files = self.home.files();
        if files.is_some() {
            self.file.put(file);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(files) = self.home.files().as_mut() {
            files.remove(&self.number);
        }
    }
}

/// The unfinished files of one environment, by number; none any more once they were given up.
#[derive(Clone)]
pub(crate) struct Home(Arc<Mutex<Option<Files>>>);

type Files = BTreeMap<u64, Weak<Unfinished>>;

impl Default for Home {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(Files::new()))))
    }
}

impl Home {
    /// Returns that of the calling environment.
    ///
    /// # Errors
    ///
    /// The environment is ending.
    pub(crate) fn of_caller(env: &Env) -> Result<Self> {
        with_state(env, |state| state.home.clone())
    }

    fn files(&self) -> MutexGuard<'_, Option<Files>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a file in.
    ///
    /// # Errors
    ///
    /// [`Code::Aborted`] when everything was given up since the call was made.
    pub(crate) fn adopt(&self, file: Held) -> std::result::Result<Arc<Unfinished>, Error> {
        let mut held = self.files();
        let files = held
            .as_mut()
            .ok_or_else(|| Error::refused(Code::Aborted, ""))?;
        let number = files.last_key_value().map_or(0, |(last, _)| last + 1);
        let unfinished = Arc::new(Unfinished {
            file: Slot::new(file),
            number,
            home: self.clone(),
        });
        files.insert(number, Arc::downgrade(&unfinished));
        Ok(unfinished)
    }
}

/// Removes the temporaries of the calling environment. What a job is working on right now goes
/// when that job ends, unless that publishes it.
#[napi(catch_unwind)]
pub fn give_up(env: &Env) -> Result<()> {
    let home = with_state(env, |state| std::mem::take(&mut state.home))?;
    let files = home.files().take().unwrap_or_default();
    for file in files.values().filter_map(Weak::upgrade) {
        drop(file.take());
    }
    Ok(())
}
