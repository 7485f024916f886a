//! Unfinished files, which must not outlive their environment.
//!
//! The garbage collector drops unreferenced ones, and the end of a worker drops the rest. The end
//! of the process drops nothing: Node waits for the jobs in its pool, and exits.
//! `lib/native/load.ts` therefore calls `giveUp` on the event `exit`, which drops the unfinished
//! files.

use crate::handle::Slot;
use holdfast_core::error::{Code, Error};

use holdfast_core::ops::write;
use holdfast_core::resolve::Root;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// An unfinished file. JavaScript calls its functions one after the other. Dropping it, by the
/// garbage collector or at the end of the environment, removes its temporary.
#[derive(Clone)]
pub struct Stage {
    pub(crate) unfinished: Arc<Unfinished>,
    pub(crate) flags: u32,
}

/// The resources of one file, dropped together, so that none stays open.
pub(crate) struct StagedFile {
    pub(crate) file: write::Stage,
    pub(crate) root: Option<Arc<Root>>,
}

/// An unfinished file. A job takes it, and puts it back unless it was the last one.
pub(crate) struct Unfinished {
    file: Slot<StagedFile>,
    number: u64,
    files_of_env: UnfinishedFiles,
}

impl Unfinished {
    /// Takes the file, for a job that works on it.
    ///
    /// # Errors
    ///
    /// [`Code::Internal`] when it is finished, or was dropped by `giveUp`.
    pub(crate) fn take(&self) -> std::result::Result<StagedFile, Error> {
        self.file
            .take()
            .ok_or_else(|| Error::refused(Code::Internal, "stage-used-twice"))
    }

    /// Puts the file back for the next job; drops it if `giveUp` ran meanwhile.
    pub(crate) fn put_back(&self, file: StagedFile) {
        // Under the lock, so that `giveUp` either finds the file, or has run and is detected here.
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

/// The unfinished files of one environment, by number; `None` after `giveUp`.
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

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// [`Code::Aborted`] when `giveUp` ran since the call was made.
    pub(crate) fn adopt(&self, file: StagedFile) -> std::result::Result<Arc<Unfinished>, Error> {
        let mut guard = self.files();
        let files = guard
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
