//! Names of temporary files: 128 random bits, never derived from the target's name.

use crate::error::Os;
use crate::sys;
use std::cell::RefCell;

/// Prefix of every temporary's name. 32 hexadecimal digits and a suffix follow.
///
/// The name never derives from the target's, so it fits wherever the target's does.
const PREFIX: &[u8] = b".holdfast-";
pub(crate) const SUFFIX: &[u8] = b".tmp";
/// Suffix for the name of a recovery copy, which must survive a killed process.
pub(crate) const RECOVERY_SUFFIX: &[u8] = b".recovery";
const DIGITS: usize = 32;

/// Returns whether a name has the form of our temporaries' names.
pub(crate) fn is_name_of_one(name: &[u8]) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .is_some_and(|digits| {
            digits.len() == DIGITS
                && digits
                    .iter()
                    .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        })
}

/// Returns a number that derives from the random part of a name: 60 of its 128 bits.
pub(super) fn number_of(name: &[u8]) -> Option<i64> {
    const DIGITS_OF_A_NUMBER: usize = 15;
    let digits = name.strip_prefix(PREFIX)?.get(..DIGITS_OF_A_NUMBER)?;
    i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
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
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut name = Vec::with_capacity(PREFIX.len() + DIGITS + suffix.len());
    name.extend_from_slice(PREFIX);
    for byte in random_bytes()? {
        name.push(HEX[usize::from(byte >> 4)]);
        name.push(HEX[usize::from(byte & 0xf)]);
    }
    name.extend_from_slice(suffix);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
