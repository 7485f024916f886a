//! Exports for tests, in builds with the feature `test-defects` only.

use holdfast_core::failpoint;
use napi_derive::napi;
use std::hint::black_box;

/// Arms the failpoint `place`: it panics once, after `passes` hits. Returns whether the one armed
/// before has panicked.
#[napi]
#[must_use]
pub fn defect_arm(place: String, passes: u32) -> bool {
    failpoint::arm(place, passes)
}

/// Reads one byte behind a block of memory.
#[napi]
#[must_use]
pub fn defect_overflow() -> u32 {
    let block = black_box(vec![1_u8; 64].into_boxed_slice());
    let start = black_box(block.as_ptr());
    // SAFETY: none. AddressSanitizer must detect this error.
    let behind = unsafe { start.add(64) };
    // SAFETY: none, as above.
    u32::from(unsafe { behind.read_volatile() })
}

/// Reads a block of memory after it was freed.
#[napi]
#[must_use]
pub fn defect_use_after_free() -> u32 {
    let block = black_box(vec![1_u8; 64].into_boxed_slice());
    let start = black_box(block.as_ptr());
    drop(block);
    // SAFETY: none. AddressSanitizer must detect this error.
    u32::from(unsafe { start.read_volatile() })
}

/// Leaks `bytes` bytes, which LeakSanitizer must detect.
#[napi]
pub fn defect_leak(bytes: u32) {
    std::mem::forget(black_box(vec![1_u8; bytes as usize]));
}
