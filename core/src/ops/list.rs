//! Lists a directory: one open, then `getdents64` on that descriptor until its end.

use super::entries::{self, Entries};
use crate::error::{Code, Error, Refusal};
use crate::resolve::Scope;

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether each entry gets its stat.
    pub wants_stat: bool,
    /// Number of entries from which the call is refused, exclusive.
    pub max_entries: u64,
}

/// A listed directory.
#[derive(Debug)]
pub struct Listed {
    /// The entries, sorted by the bytes of their names.
    pub entries: Entries,
    /// The path of the directory as it was located; `None` where it is the path as given.
    pub text: Option<Vec<u8>>,
}

/// Lists a directory. The entries are complete as of the reads: what is created or removed
/// meanwhile may be missing.
///
/// # Errors
///
/// [`Code::InvalidPath`], [`Code::OutsideWorkspace`], [`Code::Symlink`], [`Code::NotDirectory`],
/// [`Code::NotFound`]; [`Code::TooLarge`] for more entries than allowed; otherwise what the system
/// returned.
pub fn list(scope: &Scope<'_>, raw: &[u8], rules: &Rules) -> Result<Listed, Error> {
    let located = scope.locate(raw)?;
    let mut directory = entries::open(scope, &located)?;
    let mut names: Vec<u8> = Vec::new();
    let mut found: Vec<(u64, usize, usize, Option<u32>)> = Vec::new();
    while let Some(entry) = directory.next()? {
        if found.len() as u64 >= rules.max_entries {
            return Err(Error::from(Refusal::new(Code::TooLarge, "entries")));
        }
        let start = names.len();
        names.extend_from_slice(entry.name);
        found.push((first_bytes(entry.name), start, names.len(), entry.kind));
    }
    if found.is_empty() {
        entries::refuse_removed(&directory)?;
    }
    found.sort_unstable_by(|one, other| {
        let whole = || names[one.1..one.2].cmp(&names[other.1..other.2]);
        one.0.cmp(&other.0).then_with(whole)
    });
    let mut entries = Entries::default();
    entries.names.reserve_exact(names.len() + found.len());
    entries.kinds.reserve_exact(found.len());
    for (_, start, end, kind) in found {
        let name = &names[start..end];
        entries::push_found(&mut entries, &directory, name, kind, rules.wants_stat)?;
    }
    Ok(Listed {
        entries,
        text: (!located.is_plain).then(|| located.text.into_owned()),
    })
}

/// Returns the first bytes of a name as a number that sorts as they do: few names need more.
fn first_bytes(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = name.len().min(first.len());
    first[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(first)
}
