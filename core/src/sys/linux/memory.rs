//! Huge pages for large buffers.
#![allow(unsafe_code, reason = "these calls have no safe wrapper")]

use nix::libc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Size of a huge page where a page has 4 KiB. No page size is larger where the advice has an
/// effect, so the advice splits no page.
const HUGE_PAGE: usize = 2 * 1024 * 1024;
/// A huge page that the machine has at hand takes 0.1 to 0.5 ms to clear. A virtual machine may
/// have returned its free huge pages to the host (free page reporting), and waits 2 to 4 ms until
/// the host has one; ordinary pages are not returned, and cost 0.5 to 0.8 ms for the same length.
const SLOW: Duration = Duration::from_millis(1);
/// No huge page is requested for this time after a slow one, so that slow ones cost 2 to 4 % of a
/// read at most.
const PAUSE: Duration = Duration::from_millis(100);
/// Length of a part in ordinary pages: a long read requests huge pages again after the pause.
const ORDINARY_PART: usize = 16 * 1024 * 1024;

/// When the last slow huge page was met.
static LAST_SLOW: Mutex<Option<Instant>> = Mutex::new(None);

/// Requests a huge page for the first part of a buffer that is about to be filled, and has the
/// kernel provide it. Where huge pages were slow or do not fit, that part has ordinary pages. Returns
/// the length of the part in bytes.
///
/// It changes how memory is backed. It may clear the first byte of the huge page, and no other.
pub(crate) fn back_next_part(memory: &mut [u8]) -> usize {
    let start = memory.as_ptr().align_offset(HUGE_PAGE);
    let length = memory.len();
    let Some(page) = start
        .checked_add(HUGE_PAGE)
        .and_then(|end| memory.get_mut(start..end))
    else {
        return length;
    };
    if is_paused() {
        return length.min(ORDINARY_PART);
    }
    // SAFETY: the range lies within memory that is exclusively borrowed, and begins and ends at
    // page boundaries; MADV_HUGEPAGE changes how it is backed, never its content.
    let _ = unsafe { libc::madvise(page.as_mut_ptr().cast(), HUGE_PAGE, libc::MADV_HUGEPAGE) };
    let began = Instant::now();
    // SAFETY: the byte is exclusively borrowed. A plain write could be left out.
    unsafe { page.as_mut_ptr().write_volatile(0) };
    if began.elapsed() >= SLOW {
        *LAST_SLOW.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
    start + HUGE_PAGE
}

fn is_paused() -> bool {
    let last_slow = *LAST_SLOW.lock().unwrap_or_else(PoisonError::into_inner);
    last_slow.is_some_and(|at| at.elapsed() < PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const LENGTH: usize = 5 * HUGE_PAGE;

    fn set_last_slow(at: Option<Instant>) {
        *LAST_SLOW.lock().unwrap() = at;
    }

    /// Returns whether the kernel was asked for huge pages at the address (`VmFlags: hg`).
    fn has_advice(address: usize) -> bool {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_here = false;
        for line in maps.lines() {
            let range = line.split(' ').next().unwrap().split_once('-');
            let bounds =
                range.map(|(from, to)| [from, to].map(|hex| usize::from_str_radix(hex, 16)));
            if let Some([Ok(from), Ok(to)]) = bounds {
                is_here = (from..to).contains(&address);
            } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| is_here) {
                return flags.split(' ').any(|flag| flag == "hg");
            }
        }
        panic!("{address:x} is not mapped");
    }

    #[test]
    fn one_huge_page_is_requested_at_a_time_unless_the_last_one_was_slow() {
        // All cases are in one test: they share `LAST_SLOW`.
        let mut buf = vec![7_u8; LENGTH];
        let start = buf.as_ptr().align_offset(HUGE_PAGE);
        let address = buf.as_ptr() as usize;

        set_last_slow(Some(Instant::now()));
        assert_eq!(back_next_part(&mut buf), LENGTH);
        let mut longer = vec![7_u8; 4 * ORDINARY_PART];
        assert_eq!(back_next_part(&mut longer), ORDINARY_PART);
        assert!(!has_advice(address + start));

        set_last_slow(None);
        assert_eq!(back_next_part(&mut buf), start + HUGE_PAGE);
        if fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
            assert!(has_advice(address + start));
            assert!(!has_advice(address + start + HUGE_PAGE));
        }
        let changed: Vec<_> = (0..LENGTH).filter(|&at| buf[at] != 7).collect();
        assert_eq!(changed, [start]);

        set_last_slow(None);
        let short = &mut buf[..start + HUGE_PAGE - 1];
        assert_eq!(back_next_part(short), start + HUGE_PAGE - 1);
        assert_eq!(back_next_part(&mut []), 0);
    }
}
