//! Compares dry runs with the verbs: a dry run predicts what the verb then does, and changes
//! nothing. Uses the table of [`crate::resolvers_agree`], with each resolver.

use crate::call::{Caller, FREE, NEW, ROOTED, Verb, per_resolver};
use crate::fixture::Fixture;
use crate::resolvers_agree::{ODD, ROUND, paths, verbs};
use crate::table::LAYOUT;
use holdfast_core::doctor::dry_run;
use holdfast_core::error::Error;
use holdfast_core::ops::ensure_dir::{self, Ensured};
use holdfast_core::ops::read::{self, OpenFile};
use holdfast_core::ops::write;
use holdfast_core::resolve::{Policy, Resolver, Scope};
use std::collections::BTreeSet;

/// Describes the predictable part of an outcome as text, to compare and print it.
fn told<T>(outcome: Result<T, Error>, describe: impl Fn(&T) -> String) -> String {
    match outcome {
        Ok(value) => describe(&value),
        // The temporary's name is random.
        Err(Error::System { os, temporary }) => {
            format!("{os:?}, temporary {}", temporary.is_some())
        }
        Err(refused) => format!("{refused:?}"),
    }
}

fn ensured(done: &Ensured) -> String {
    let Ensured {
        first_created,
        mode,
        is_private,
        hardening,
        reason,
        ..
    } = done;
    let first = first_created.as_deref().map(String::from_utf8_lossy);
    format!("/ {first:?} {mode:o} {is_private} {hardening:?} {reason:?}")
}

fn opened(file: &OpenFile) -> String {
    let real = file.real_path().map(String::from_utf8_lossy);
    format!("= {} {real:?}", file.size())
}

fn dry_run_of(scope: &Scope<'_>, at: &[u8], verb: &Verb) -> String {
    match verb {
        Verb::Read(rules) => told(dry_run::read(scope, at, rules), opened),
        Verb::Write(rules) => told(dry_run::write(scope, at, rules), |foretold| {
            let (mode, kept) = (foretold.mode, foretold.preserved);
            format!(
                "+ {} {mode:o} {:?} {kept:?}",
                foretold.created, foretold.durable
            )
        }),
        Verb::Ensure(rules) => told(dry_run::ensure_dir(scope, at, rules), ensured),
    }
}

fn done(scope: &Scope<'_>, at: &[u8], verb: &Verb) -> String {
    match verb {
        Verb::Read(rules) => told(read::open(scope, at, rules), opened),
        Verb::Write(rules) => {
            let written = write::write(scope, at, NEW.as_bytes(), rules, &|| false);
            told(written, |written| {
                let (mode, kept) = (written.mode, written.preserved);
                format!(
                    "+ {} {mode:o} {:?} {kept:?}",
                    written.created, written.durable
                )
            })
        }
        Verb::Ensure(rules) => told(ensure_dir::ensure_dir(scope, at, rules), ensured),
    }
}

/// Calls with one path, described without the fixture's name.
struct Calls<'a> {
    resolver: Resolver,
    is_rooted: bool,
    path: &'a str,
}

impl Calls<'_> {
    fn make(
        &self,
        fixture: &Fixture,
        call: fn(&Scope<'_>, &[u8], &Verb) -> String,
        verb: &Verb,
        policy: Policy,
    ) -> String {
        let base = fixture.text("");
        let at = self.path.replace("$BASE", &base);
        let at = if self.is_rooted || at.starts_with('/') {
            at
        } else {
            fixture.text(&format!("root/{at}"))
        };
        let caller = Caller::new(fixture, self.resolver, self.is_rooted);
        call(&caller.scope(policy), at.as_bytes(), verb).replace(&base, "$BASE")
    }
}

fn compare(layout: &[&str], resolver: Resolver, is_rooted: bool, policies: &[Policy]) {
    let mut fixture = Fixture::in_memory(layout);
    let mut before = fixture.tree();
    let mut outcomes = BTreeSet::new();
    for path in paths() {
        let calls = Calls {
            resolver,
            is_rooted,
            path: &path,
        };
        let cases: Vec<_> = verbs()
            .into_iter()
            .flat_map(|verb| policies.iter().map(move |&policy| (verb, policy)))
            .collect();
        let foretold: Vec<_> = cases
            .iter()
            .map(|(verb, policy)| calls.make(&fixture, dry_run_of, verb, *policy))
            .collect();
        assert_eq!(fixture.tree(), before, "dry runs changed something: {path}");
        for ((verb, policy), foretold) in cases.iter().zip(foretold) {
            let came = calls.make(&fixture, done, verb, *policy);
            assert_eq!(foretold, came, "{path}, {verb:?}, {policy:?}");
            let may_have_changed = came.starts_with(['+', '/']) || came.contains("Permissions");
            if may_have_changed && fixture.tree() != before {
                fixture = Fixture::in_memory(layout);
                before = fixture.tree();
            }
            let word = came.split([' ', '(', ',']).next();
            outcomes.insert(word.unwrap_or_default().to_owned());
        }
        assert_eq!(fixture.tree(), before, "{path}");
    }
    // A table with a single outcome would compare nothing.
    assert!(outcomes.len() > 3, "{outcomes:?}");
}

fn with_each_policy(resolver: Resolver, layout: &[&str]) {
    compare(layout, resolver, true, &ROOTED);
    compare(layout, resolver, false, &FREE);
}

fn among_links_to_everywhere(resolver: Resolver) {
    with_each_policy(resolver, LAYOUT);
}

fn among_odd_kinds_and_modes(resolver: Resolver) {
    with_each_policy(resolver, ODD);
}

fn among_links_in_circles(resolver: Resolver) {
    with_each_policy(resolver, ROUND);
}

per_resolver! {
    among_links_to_everywhere,
    among_odd_kinds_and_modes,
    among_links_in_circles,
}
