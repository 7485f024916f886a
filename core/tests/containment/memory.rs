//! Tests the non-blocking verbs: each result equals that of the ordinary verb, or is `NotCached`.

use crate::call::{Caller, READ, ROOTED, read_whole};
use crate::fixture::Fixture;
use crate::resolvers_agree::paths;
use crate::table::LAYOUT;
use holdfast_core::nonblocking::{self, Cached};
use holdfast_core::ops::ensure_dir::{Existing, Rules, ensure_dir};
use holdfast_core::resolve::Resolver;
use std::fs;

#[test]
fn what_is_known_from_memory_is_what_the_ordinary_verb_answers() {
    let (mut known, mut made) = (0, 0);
    for is_rooted in [true, false] {
        let fixture = Fixture::in_memory(LAYOUT);
        let caller = Caller::new(&fixture, Resolver::Kernel, is_rooted);
        let rules = Rules {
            mode: 0o755,
            existing: Existing::Leave,
        };
        // Policies within a root do not apply without one.
        let policies = ROOTED
            .into_iter()
            .filter(|policy| is_rooted || *policy != ROOTED[2]);
        for (policy, path) in
            policies.flat_map(|policy| paths().into_iter().map(move |path| (policy, path)))
        {
            let at = path.replace("$BASE", &fixture.text(""));
            let at = if is_rooted || at.starts_with('/') {
                at
            } else {
                fixture.text(&format!("root/{at}"))
            };
            let scope = caller.scope(policy);
            nonblocking::probe_locality(&scope, at.as_bytes());
            let told = format!("{at}, {policy:?}, rooted: {is_rooted}");
            if let Cached::Known(remembered) =
                nonblocking::open_file(&scope, at.as_bytes(), &READ, None)
            {
                let mut place = vec![0; usize::try_from(remembered.file.size()).unwrap()];
                if let Some(length) = remembered.read(&mut place) {
                    let content = read_whole(&scope, at.as_bytes(), &READ).expect(&told);
                    assert_eq!(place[..length], content, "{told}");
                    known += 1;
                }
            }
            let mut created = None;
            let answer = nonblocking::ensure_dir(&scope, at.as_bytes(), &rules, &mut created);
            if let Some(first) = &created {
                // For the ordinary verb to create the same.
                let first = String::from_utf8_lossy(first);
                let first = if first.starts_with('/') {
                    first.into_owned()
                } else {
                    fixture.text(&format!("root/{first}"))
                };
                fs::remove_dir_all(first).expect(&told);
                made += 1;
            }
            if let Cached::Known(remembered) = answer {
                let ensured = ensure_dir(&scope, at.as_bytes(), &rules).expect(&told);
                assert_eq!(remembered, ensured, "{told}");
                known += 1;
            }
        }
    }
    // Renames anywhere on the host invalidate the kernel's caches for a moment. Most results are
    // cached all the same, unless the kernel has no unique mount ids.
    assert!(known == 0 || known > 20, "{known} answers from memory");
    assert!(known == 0 || made > 5, "{made} directories made in memory");
}
