//! Files in the making, which must not outlive their environment.
//!
//! The collector drops those that nobody finishes, and the end of a worker those that are left.
//! The end of the process drops nothing: Node waits for the jobs in its pool, and leaves. What is
//! unfinished then is given up by `giveUp`, which `lib/native/load.ts` calls on the event `exit`.

use crate::handle::Slot;
use holdfast_core::error::{Code, Error};

use holdfast_core::ops::write;
use holdfast_core::resolve::Root;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A file in the making. JavaScript calls one function of it after the other; dropping it, by the
/// collector or at the end of the environment, removes its temporary.
#[derive(Clone)]
pub struct Stage {
    pub(crate) held: Arc<Unfinished>,
    pub(crate) flags: u32,
}

/// What is let go of together: nothing stays open for a file that came to its end.
pub(crate) struct Held {
    pub(crate) file: write::Stage,
    pub(crate) root: Option<Arc<Root>>,
}

/// A file in the making. A job takes it, and puts it back unless it was the last.
pub(crate) struct Unfinished {
    file: Slot<Held>,
    number: u64,
    files_of_env: UnfinishedFiles,
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
        let files = self.files_of_env.files();
        if files.is_some() {
            self.file.put(file);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(files) = self.files_of_env.files().as_mut() {
            files.remove(&self.number);
        }
    }
}

/// The unfinished files of one environment, by number; none any more once they were given up.
#[derive(Clone)]
pub(crate) struct UnfinishedFiles(Arc<Mutex<Option<Files>>>);

type Files = BTreeMap<u64, Weak<Unfinished>>;

impl Default for UnfinishedFiles {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(Files::new()))))
    }
}

impl UnfinishedFiles {
    pub(crate) fn files(&self) -> MutexGuard<'_, Option<Files>> {
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
            files_of_env: self.clone(),
        });
        files.insert(number, Arc::downgrade(&unfinished));
        Ok(unfinished)
    }
}
