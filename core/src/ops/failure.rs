//! The error of a verb that works on many entries, or on two paths.

use crate::error::{Code, Error, Os};

/// An error, and how far the call came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// The entry that it concerns, relative to the path of the call; empty for that path itself.
    pub entry: Vec<u8>,
    /// It concerns the second path of the call.
    pub is_second: bool,
    /// Entries that were removed or copied before.
    pub done: u64,
}

impl Failure {
    /// Builds the failure for a raised abort flag.
    pub(crate) fn aborted() -> Self {
        Error::refused(Code::Aborted, "").into()
    }

    /// Says that the error concerns the second path.
    pub(crate) fn of_second(error: Error) -> Self {
        Self {
            is_second: true,
            ..error.into()
        }
    }

    /// Names the entry that the error concerns.
    pub(crate) fn at(self, entry: Vec<u8>) -> Self {
        Self { entry, ..self }
    }

    /// Says how many entries were done.
    pub(crate) fn after(self, done: u64) -> Self {
        Self { done, ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            entry: Vec::new(),
            is_second: false,
            done: 0,
        }
    }
}

impl From<Os> for Failure {
    fn from(os: Os) -> Self {
        Error::from(os).into()
    }
}
