//! Names of temporary files: at least 120 random bits, never derived from the target's name, so that they fit
//! wherever the target's does.

use crate::error::Os;
use crate::path::reserved::{self, LOCK, PREFIX, TEMPORARY_DIGITS};
pub(crate) use crate::path::reserved::{RECOVERY as RECOVERY_SUFFIX, TEMPORARY as SUFFIX};
use crate::sys;
use std::cell::RefCell;

/// Returns whether a name has the form of our temporaries' names.
pub(crate) fn is_name_of_one(name: &[u8]) -> bool {
    reserved::before_digits(name, SUFFIX) == Some(b"")
}

/// Returns the name of the lock file for a file: a hash of its name, so that long names stay legal.
///
/// Names that one file system may treat as equal have the same lock. `outside` is the identity of the
/// file's directory where the lock file lies in another one.
pub(crate) fn lock_name(name: &[u8], outside: Option<(u64, u64)>) -> Vec<u8> {
    // The lock of a file that others cannot spell has to have the same name in each process, so the
    // hash is one that never changes: FNV-1a with 128 bits.
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = BASIS;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    };
    if let Some((dev, ino)) = outside {
        add(&dev.to_le_bytes());
        add(&ino.to_le_bytes());
    }
    if name.is_ascii() {
        add(&name.to_ascii_lowercase());
    } else {
        match std::str::from_utf8(name) {
            // Upper case first: some letters become plain ones only that way.
            Ok(text) => add(text.to_uppercase().to_lowercase().as_bytes()),
            Err(_) => add(name),
        }
    }
    let mut full = PREFIX.to_vec();
    full.extend_from_slice(format!("{hash:032x}").as_bytes());
    full.extend_from_slice(LOCK);
    full
}

/// Returns a number that derives from the random part of a name: 60 of its bits.
pub(super) fn number_of(name: &[u8]) -> Option<i64> {
    let digits = name.strip_prefix(PREFIX)?;
    let is_of_temporary = digits.strip_suffix(SUFFIX).map(<[u8]>::len) == Some(TEMPORARY_DIGITS);
    let (count, radix) = if is_of_temporary { (12, 32) } else { (15, 16) };
    i64::from_str_radix(std::str::from_utf8(digits.get(..count)?).ok()?, radix).ok()
}

pub(crate) fn with_random_name<T>(
    suffix: &[u8],
    mut make: impl FnMut(&[u8]) -> Result<T, Os>,
) -> Result<(Vec<u8>, T), Os> {
    const TRIES: u32 = 16;
    let mut tries = 1;
    loop {
        let name = random_name(suffix)?;
        match make(&name) {
            Ok(made) => return Ok((name, made)),
            Err(os) if os.errno == sys::EEXIST && tries < TRIES => tries += 1,
            Err(os) => return Err(os),
        }
    }
}

thread_local! {
    /// Random bytes for the next names, and how many are left: one system call serves several
    /// names. If a fork shares them, `O_EXCL` detects the collision, and the next name is used.
    static RANDOM: RefCell<([u8; BATCH], usize)> = const { RefCell::new(([0; BATCH], 0)) };
}

/// The most bytes that getrandom(2) returns whole or not at all.
const BATCH: usize = 256;
const BYTES_OF_A_NAME: usize = 16;

fn random_bytes() -> Result<[u8; BYTES_OF_A_NAME], Os> {
    RANDOM.with_borrow_mut(|(bytes, left)| {
        if *left < BYTES_OF_A_NAME {
            sys::fill_random(bytes)?;
            *left = BATCH;
        }
        *left -= BYTES_OF_A_NAME;
        let mut taken = [0; BYTES_OF_A_NAME];
        taken.copy_from_slice(&bytes[*left..*left + BYTES_OF_A_NAME]);
        Ok(taken)
    })
}

fn random_name(suffix: &[u8]) -> Result<Vec<u8>, Os> {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut name = Vec::with_capacity(PREFIX.len() + 2 * BYTES_OF_A_NAME + suffix.len());
    name.extend_from_slice(PREFIX);
    let mut random = u128::from_ne_bytes(random_bytes()?);
    let (count, bits) = if suffix == SUFFIX {
        (TEMPORARY_DIGITS, 5)
    } else {
        (2 * BYTES_OF_A_NAME, 4)
    };
    for _ in 0..count {
        name.push(DIGITS[(random & ((1 << bits) - 1)) as usize]);
        random >>= bits;
    }
    name.extend_from_slice(suffix);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_of_one_file_have_one_lock() {
        let lock = |name: &str| String::from_utf8(lock_name(name.as_bytes(), None)).unwrap();
        // The names are those of other versions and processes: they never change.
        assert_eq!(
            lock("state.json"),
            ".holdfast-54444c5d50148f70df396000b57ae8ba.lock"
        );
        assert_eq!(lock("State.JSON"), lock("state.json"));
        assert_eq!(lock("ÄÖ"), lock("äö"));
        assert_ne!(lock("ä"), lock("ö"));
        assert_ne!(lock("a"), lock("b"));
        assert_ne!(lock_name(b"\xff", None), lock_name(b"\xfe", None));
        assert_ne!(lock_name(b"a", Some((1, 2))), lock_name(b"a", Some((2, 1))));
        assert_eq!(lock_name(&[b'x'; 255], None).len(), 47);
    }

    #[test]
    fn names_of_our_files_are_reserved() {
        for suffix in [SUFFIX, RECOVERY_SUFFIX, reserved::TEMPORARY_ROOT] {
            let name = random_name(suffix).unwrap();
            assert!(reserved::is_reserved(&name));
            assert!(number_of(&name).is_some());
        }
        assert_eq!(random_name(SUFFIX).unwrap().len(), 38);
        assert!(reserved::is_reserved(&lock_name(b"a", None)));
    }

    #[test]
    fn a_temporary_is_known_by_its_whole_name() {
        let name = random_name(SUFFIX).unwrap();
        assert!(is_name_of_one(&name));
        assert!(!is_name_of_one(&random_name(RECOVERY_SUFFIX).unwrap()));
        for other in [
            &b".holdfast-.tmp"[..],
            b".holdfast-0123456789abcdef0123456789abcde.tmp",
            b".holdfast-0123456789abcdef0123456789abcdefg.tmp",
            b".holdfast-0123456789ABCDEF0123456789ABCDEF.tmp",
            b"x.holdfast-0123456789abcdef0123456789abcdef.tmp",
            b".holdfast-0123456789abcdef0123456789abcdef.tmp.txt",
        ] {
            assert!(!is_name_of_one(other));
        }
    }
}
