//! Runs a step of holdfast, and describes its outcome.

use crate::step::Step;
use crate::world::World;
use holdfast_core::error::Error;
use holdfast_core::nonblocking;
use holdfast_core::ops::write::{Durable, FinalSymlink};
use holdfast_core::ops::{ensure_dir, read, write};
use holdfast_core::resolve::{Policy, Scope};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The outcome of a call, described the same way for both trees.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Content, and the real path below the base.
    Read(Vec<u8>, PathBuf),
    /// The real path, whether the file is new, and the rest of the result.
    Written(PathBuf, bool, String),
    /// The real path, and the rest of the result.
    Ensured(PathBuf, String),
    /// What the verbs of a root saw, described, and the names that a walk found.
    Looked(String, BTreeSet<String>),
    /// What a verb of a root changed, described.
    Changed(String),
    /// A failure of a tree, which may have changed a part of it.
    Partial(String),
    /// The code of a refusal.
    Refused(&'static str),
    /// The errno and the system call.
    System(i32, &'static str),
}

impl Outcome {
    /// Returns whether the call failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::System(..))
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal.code.as_str()),
            Error::System { os, .. } => Self::System(os.errno, os.syscall),
            Error::Incomplete { error, .. } => (*error).into(),
        }
    }
}

/// Returns the content of a write.
#[must_use]
pub fn content(data: u8) -> Vec<u8> {
    vec![b'A' + data % 26; usize::from(data)]
}

impl World {
    /// Runs a step of holdfast; `None` for other steps, and for calls that could leave the tree.
    #[must_use]
    pub fn take(&self, step: &Step) -> Option<Outcome> {
        match step {
            Step::Read {
                at,
                policy,
                reject_hardlinks,
            } => {
                let rules = read::Rules {
                    max_bytes: 1 << 20,
                    reject_hardlinks: *reject_hardlinks,
                    allow_pseudo: false,
                    outbound: read::Outbound::No,
                };
                let policy = Policy::from(*policy);
                let at = self.argument_for(at, policy)?;
                Some(self.read(&at, policy, &rules))
            }
            Step::Write {
                at,
                policy,
                data,
                final_link,
                overwrite,
                make_parents,
                mode,
                reject_hardlinks,
            } => {
                let policy = Policy::from(*policy);
                let at = self.argument_for(at, policy)?;
                let final_symlink = match FinalSymlink::from(*final_link) {
                    // The target is not known beforehand, and without a root it could be anywhere.
                    FinalSymlink::Follow if !self.is_rooted() => FinalSymlink::Reject,
                    other => other,
                };
                let rules = write::Rules {
                    mode: mode.map(|mode| mode.bits() & 0o777),
                    new_file_mode: 0o644,
                    overwrite: *overwrite,
                    final_symlink,
                    durable: Durable::No,
                    make_parents: make_parents.then_some(0o700),
                    reject_hardlinks: *reject_hardlinks,
                    in_place: false,
                };
                let outcome = self.write(&at, policy, &content(*data), &rules);
                Some(outcome.unwrap_or_else(Outcome::from))
            }
            Step::Ensure {
                at,
                policy,
                existing,
                mode,
            } => {
                let policy = Policy::from(*policy);
                let at = self.argument_for(at, policy)?;
                let rules = ensure_dir::Rules {
                    mode: mode.bits() & 0o777,
                    existing: (*existing).into(),
                };
                Some(
                    self.ensure(&at, policy, &rules)
                        .unwrap_or_else(Outcome::from),
                )
            }
            step => self.take_of_root(step),
        }
    }

    /// Reads by `std::fs`, with the kernel's meaning of the path.
    pub fn read_by_path(&self, at: &crate::step::Text) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.root.join(self.text(at)))
    }

    pub(crate) fn argument_for(&self, at: &crate::step::Text, policy: Policy) -> Option<String> {
        let argument = self.argument(at);
        // A policy within a root does not apply without one.
        let has_meaning = self.is_rooted() || policy != Policy::FollowWithinRoot;
        (has_meaning && (self.is_rooted() || self.is_safe(&argument))).then_some(argument)
    }

    fn read(&self, at: &str, policy: Policy, rules: &read::Rules) -> Outcome {
        let scope = self.scope(policy);
        let remembered = self.read_from_memory(&scope, at, rules);
        let outcome = self
            .read_from_file(&scope, at, rules)
            .unwrap_or_else(Outcome::from);
        assert!(remembered.is_none_or(|remembered| remembered == outcome));
        outcome
    }

    fn read_from_file(
        &self,
        scope: &Scope<'_>,
        at: &str,
        rules: &read::Rules,
    ) -> Result<Outcome, Error> {
        let file = read::open(scope, at.as_bytes(), rules)?;
        let mut place = vec![0; usize::try_from(file.size()).unwrap_or(0)];
        let content = match file.read(&mut place, rules.max_bytes)? {
            read::Content::Fits(length) => place[..length].to_vec(),
            read::Content::Outgrown(content) => content,
        };
        Ok(Outcome::Read(content, self.told(file.real_path(), at)))
    }

    /// Reads by the non-blocking verb; `None` where it has no result.
    fn read_from_memory(
        &self,
        scope: &Scope<'_>,
        at: &str,
        rules: &read::Rules,
    ) -> Option<Outcome> {
        let known = match nonblocking::open_file(scope, at.as_bytes(), rules, None) {
            nonblocking::Cached::NotCached(true) => {
                nonblocking::probe_locality(scope, at.as_bytes());
                nonblocking::open_file(scope, at.as_bytes(), rules, None)
            }
            known => known,
        };
        let nonblocking::Cached::Known(known) = known else {
            return None;
        };
        let mut place = vec![0; usize::try_from(known.file.size()).unwrap_or(0)];
        let length = known.read(&mut place)?;
        place.truncate(length);
        Some(Outcome::Read(place, self.told(known.file.real_path(), at)))
    }

    fn write(
        &self,
        at: &str,
        policy: Policy,
        data: &[u8],
        rules: &write::Rules,
    ) -> Result<Outcome, Error> {
        let scope = self.scope(policy);
        let written = write::write(&scope, at.as_bytes(), data, rules, &|| false)?;
        let more = format!(
            "{} bytes, {:o}, {:?}, {:?}, {:?}",
            written.size, written.mode, written.method, written.durable, written.preserved
        );
        let path = self.told(written.real.as_deref(), at);
        Ok(Outcome::Written(path, written.created, more))
    }

    fn ensure(
        &self,
        at: &str,
        policy: Policy,
        rules: &ensure_dir::Rules,
    ) -> Result<Outcome, Error> {
        let scope = self.scope(policy);
        let mut created = None;
        let ensured = match nonblocking::ensure_dir(&scope, at.as_bytes(), rules, &mut created) {
            nonblocking::Cached::Known(ensured) if created.is_some() => ensured,
            answer => {
                let mut ensured = ensure_dir::ensure_dir(&scope, at.as_bytes(), rules)?;
                ensured.first_created = created.or(ensured.first_created);
                if let nonblocking::Cached::Known(remembered) = answer {
                    assert_eq!(remembered, ensured);
                }
                ensured
            }
        };
        let first = ensured.first_created.as_deref().map(|first| {
            String::from_utf8_lossy(first).replace(&*self.base.to_string_lossy(), "$BASE")
        });
        let more = format!(
            "{:o}, private: {}, {:?}, {:?}, first: {first:?}",
            ensured.mode, ensured.is_private, ensured.hardening, ensured.reason
        );
        let path = self.told(ensured.real.as_deref(), at);
        Ok(Outcome::Ensured(path, more))
    }

    /// Returns a real path below the base; the full path where it lies elsewhere.
    pub(crate) fn told(&self, real: Option<&[u8]>, given: &str) -> PathBuf {
        let real = real.unwrap_or(given.as_bytes());
        // Without a real path the given path counts, which is beneath the root, if there is one.
        let path = self.root.join(String::from_utf8_lossy(real).into_owned());
        path.strip_prefix(&self.base)
            .map(PathBuf::from)
            .unwrap_or(path)
    }
}
