//! Deliberate defects, for the tests of what a defect of ours may do: a panic is an error and no
//! abort, and a sanitizer that says nothing would have said something.
//!
//! Only a build with the feature `test-defects` can be told to have one. Without it, every place
//! here is an empty function, and nothing of this module is in the binary.

#[cfg(feature = "test-defects")]
pub(crate) use armed::{arm, strike};

/// A place where a panic can be provoked, by its name.
#[cfg(not(feature = "test-defects"))]
#[inline(always)]
pub(crate) fn strike(_place: &str) {}

#[cfg(feature = "test-defects")]
mod armed {
    use std::sync::{Mutex, PoisonError};

    /// The place that panics next, and how often it is passed before that.
    static ARMED: Mutex<Option<(String, u32)>> = Mutex::new(None);

    /// Has a place panic, once, after so many times that it is passed. Answers whether the one
    /// before this did.
    pub(crate) fn arm(place: String, passes: u32) -> bool {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        armed.replace((place, passes)).is_none()
    }

    pub(crate) fn strike(place: &str) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.as_mut() {
            Some((wanted, 0)) if wanted == place => {
                *armed = None;
                drop(armed);
                panic!("a defect in {place}, as the test wished");
            }
            Some((wanted, passes)) if wanted == place => *passes -= 1,
            _ => {}
        }
    }
}
