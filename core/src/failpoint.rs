//! Failpoints: panics on demand, to test the effects of a defect in this library.
//!
//! Only a build with the feature `test-defects` has them. Without it [`hit`] is an empty function
//! and the binary contains nothing else of this module.

#[cfg(feature = "test-defects")]
pub use armed::{arm, hit};

/// Marks a point where a test can cause a panic, by its name.
#[cfg(not(feature = "test-defects"))]
#[inline(always)]
pub fn hit(_name: &str) {}

#[cfg(feature = "test-defects")]
mod armed {
    use std::sync::{Mutex, PoisonError};

    /// The failpoint that panics next, and how many hits pass before that.
    static ARMED: Mutex<Option<(String, u32)>> = Mutex::new(None);

    /// Arms the failpoint `name`: it panics once, after `passes` hits without one. Returns whether
    /// the failpoint armed before has panicked.
    pub fn arm(name: String, passes: u32) -> bool {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        armed.replace((name, passes)).is_none()
    }

    /// Panics when `name` is armed and its passes are used up.
    ///
    /// # Panics
    ///
    /// See [`arm`].
    pub fn hit(name: &str) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.as_mut() {
            Some((wanted, 0)) if wanted == name => {
                *armed = None;
                drop(armed);
                panic!("a defect in {name}, as the test wished");
            }
            Some((wanted, passes)) if wanted == name => *passes -= 1,
            _ => {}
        }
    }
}
