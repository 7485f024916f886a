//! The names of our own files: temporaries, recovery copies, lock files and temporary roots.

/// Prefix of every such name. Digits and a suffix follow.
pub(crate) const PREFIX: &[u8] = b".holdfast-";
/// Suffix for the name of a temporary.
pub(crate) const TEMPORARY: &[u8] = b".tmp";
/// Suffix for the name of a recovery copy, which must survive a killed process.
pub(crate) const RECOVERY: &[u8] = b".recovery";
/// Suffix for the name of a lock file.
pub(crate) const LOCK: &[u8] = b".lock";
/// Suffix for the name of a temporary root. A prefix of the caller's may be before [`PREFIX`].
pub(crate) const TEMPORARY_ROOT: &[u8] = b".dir";
/// Number of hexadecimal digits: 128 bits.
const HEX_DIGITS: usize = 32;
/// Number of digits to the base 32, `0` to `9` and `a` to `v`, in the name of a temporary: 120 bits.
/// The whole name has 38 bytes: the kernel keeps up to 39 in the entry of its cache, and allocates
/// memory for a longer one.
pub(crate) const TEMPORARY_DIGITS: usize = 24;

/// Returns whether a name has the form of one of ours, on a file system that ignores case too.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    let name = folded(name);
    let is_ours = |suffix: &[u8]| before_digits(&name, suffix) == Some(b"");
    [TEMPORARY, RECOVERY, LOCK].into_iter().any(is_ours)
        || before_digits(&name, TEMPORARY_ROOT).is_some()
}

/// Returns the form of a name that ext4, APFS and HFS+ compare where they ignore case: `ſ` is `s`, the Kelvin
/// sign is `k`, `ﬆ` is `st`, and ignorable characters count for nothing.
fn folded(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) if !text.is_ascii() => text
            .chars()
            .filter(|&character| !is_ignorable(character))
            // Upper case first: `ſ` is a lower-case letter.
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect::<String>()
            .into_bytes(),
        _ => name.to_ascii_lowercase(),
    }
}

/// Returns whether a character has Unicode's property `Default_Ignorable_Code_Point`.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns what precedes [`PREFIX`], lower-case digits and a suffix at the end of a name. Temporaries
/// may have the digits of the other names, too.
pub(crate) fn before_digits<'a>(name: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let rest = name.strip_suffix(suffix)?;
    before(rest, HEX_DIGITS, b'f').or_else(|| {
        (suffix == TEMPORARY)
            .then(|| before(rest, TEMPORARY_DIGITS, b'v'))
            .flatten()
    })
}

/// Returns what precedes [`PREFIX`] and a number of digits up to `last`.
fn before(name: &[u8], digits: usize, last: u8) -> Option<&[u8]> {
    let (start, digits) = name.split_at_checked(name.len().checked_sub(digits)?)?;
    let is_digit = |&digit: &u8| digit.is_ascii_digit() || (b'a'..=last).contains(&digit);
    start
        .strip_suffix(PREFIX)
        .filter(|_| digits.iter().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_our_files_are_reserved() {
        let digits = "0123456789abcdef0123456789abcdef";
        for name in [
            format!(".holdfast-{digits}.tmp"),
            ".holdfast-0123456789abcdefghijklmv.tmp".to_owned(),
            format!(".holdfast-{digits}.recovery"),
            format!(".holdfast-{digits}.lock"),
            format!(".holdfast-{digits}.dir"),
            format!(".holdfaſt-{digits}.lock"),
            format!(".holdfast-{digits}.loc\u{212a}"),
            format!(".holdfaﬆ-{digits}.tmp"),
            format!(".hold\u{200d}fast-{digits}.tmp\u{feff}"),
            format!("build-.holdfast-{digits}.dir"),
        ] {
            assert!(is_reserved(name.as_bytes()), "{name}");
            assert!(is_reserved(name.to_ascii_uppercase().as_bytes()), "{name}");
        }
        // On a file system that takes any bytes.
        assert!(!is_reserved(b".holdfast-\xff.lock"));
        for name in [
            ".holdfast-.lock".to_owned(),
            ".holdfast-x".to_owned(),
            "a.lock".to_owned(),
            "state.json".to_owned(),
            format!("x.holdfast-{digits}.tmp"),
            format!(".holdfast-{digits}.dir.txt"),
            format!(".holdfast-{}.dir", &digits[1..]),
            format!(".holdfast-g{}.dir", &digits[1..]),
            ".holdfast-0123456789abcdefghijklmw.tmp".to_owned(),
            ".holdfast-0123456789abcdefghijklmv.lock".to_owned(),
            format!(".holdfäst-{digits}.lock"),
        ] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
    }
}
