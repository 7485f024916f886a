//! What tests ask of a build with the feature `test-defects`. No other build has this module.

use holdfast_core::failpoint;
use napi_derive::napi;
use std::hint::black_box;

/// Has a place panic, once, after so many times that it is passed. Answers whether the one before
/// this did.
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
    // SAFETY: none. This is the error that AddressSanitizer is there to catch.
    let behind = unsafe { start.add(64) };
    // SAFETY: none, as above.
    u32::from(unsafe { behind.read_volatile() })
}

/// Reads a block of memory that was given back.
#[napi]
#[must_use]
pub fn defect_use_after_free() -> u32 {
    let block = black_box(vec![1_u8; 64].into_boxed_slice());
    let start = black_box(block.as_ptr());
    drop(block);
    // SAFETY: none. This is the error that AddressSanitizer is there to catch.
    u32::from(unsafe { start.read_volatile() })
}

/// Forgets so many bytes: what LeakSanitizer is there to find.
#[napi]
pub fn defect_leak(bytes: u32) {
    std::mem::forget(black_box(vec![1_u8; bytes as usize]));
}
