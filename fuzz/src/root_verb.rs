//! Runs the verbs that only a root has, and describes their outcomes.

use crate::step::Step;
use crate::verb::Outcome;
use crate::world::World;
use holdfast_core::error::Error;
use holdfast_core::ops::rename::Side;
use holdfast_core::ops::walk::Walk;
use holdfast_core::ops::write::{Durable, FinalSymlink};
use holdfast_core::ops::{Failure, copy, list, remove, rename, stat, walk};
use holdfast_core::resolve::{Policy, Scope};
use std::collections::BTreeSet;

impl World {
    /// Runs a step of a root; `None` for other steps, and without a root.
    pub(crate) fn take_of_root(&self, step: &Step) -> Option<Outcome> {
        if !self.is_rooted() {
            return None;
        }
        match step {
            Step::Look { at, policy } => {
                let policy = Policy::from(*policy);
                let at = self.argument_for(at, policy)?;
                Some(looked(&self.scope(policy), at.as_bytes()))
            }
            Step::RenameBy {
                from,
                to,
                policy,
                overwrite,
                make_parents,
            } => {
                let policy = Policy::from(*policy);
                let (from, to) = (
                    self.argument_for(from, policy)?,
                    self.argument_for(to, policy)?,
                );
                let scope = self.scope(policy);
                let rules = rename::Rules {
                    overwrite: *overwrite,
                    is_durable: false,
                    make_parents: make_parents.then_some(0o700),
                };
                let renamed = rename::rename(side(&scope, &from), side(&scope, &to), &rules);
                // Directories that were made stay, as of every verb that makes them.
                Some(self.changed(renamed, *make_parents, |renamed| {
                    let path = self.told(Some(&renamed.path), &to);
                    format!("{path:?}, same: {}", renamed.is_same)
                }))
            }
            Step::RemoveBy {
                at,
                policy,
                recursive,
                ignore_missing,
            } => {
                let policy = Policy::from(*policy);
                let at = self.argument_for(at, policy)?;
                let rules = remove::Rules {
                    recursive: *recursive,
                    ignore_missing: *ignore_missing,
                    max_entries: None,
                    is_durable: false,
                };
                let removed = remove::remove(&self.scope(policy), at.as_bytes(), &rules, &|| false);
                Some(self.changed(removed, *recursive, |count| format!("{count} removed")))
            }
            Step::CopyBy {
                from,
                to,
                policy,
                overwrite,
                recursive,
            } => {
                let policy = Policy::from(*policy);
                let (from, to) = (
                    self.argument_for(from, policy)?,
                    self.argument_for(to, policy)?,
                );
                let scope = self.scope(policy);
                let rules = copy::Rules {
                    overwrite: *overwrite,
                    recursive: *recursive,
                    mode: None,
                    max_bytes: None,
                    max_entries: None,
                    durable: Durable::No,
                    reject_hardlinks: true,
                    final_symlink: FinalSymlink::Reject,
                };
                let (from, to_side) = (side(&scope, &from), side(&scope, &to));
                let copied = copy::copy(from, to_side, &rules, &|| false);
                Some(self.changed(copied, *recursive, |copied| {
                    let path = self.told(copied.real.as_deref(), &to);
                    format!(
                        "{path:?}, {} entries, {} bytes",
                        copied.entries, copied.bytes
                    )
                }))
            }
            _ => None,
        }
    }

    /// Describes a change.
    ///
    /// `may_be_partial`: a failure may leave a part of it.
    fn changed<T>(
        &self,
        result: Result<T, Failure>,
        may_be_partial: bool,
        describe: impl FnOnce(&T) -> String,
    ) -> Outcome {
        match result {
            Ok(value) => Outcome::Changed(describe(&value)),
            Err(failure) if may_be_partial => {
                let entry = String::from_utf8_lossy(&failure.entry).into_owned();
                let (is_second, done) = (failure.is_second, failure.done);
                let error = Outcome::from(failure.error);
                Outcome::Partial(format!("{error:?} of {entry}, {is_second}, after {done}"))
            }
            Err(failure) => Outcome::from(failure.error),
        }
    }
}

fn side<'a>(scope: &'a Scope<'a>, path: &'a str) -> Side<'a> {
    Side {
        scope,
        path: path.as_bytes(),
    }
}

/// Describes what each verb sees at a path.
fn looked(scope: &Scope<'_>, at: &[u8]) -> Outcome {
    let kind = |result: Result<holdfast_core::Stat, Error>| match result {
        Ok(stat) => format!("{:o}", stat.mode),
        Err(error) => format!("{:?}", Outcome::from(error)),
    };
    let target = match stat::read_link(scope, at) {
        // An absolute target names the tree.
        Ok(target) => format!("a link of {}", target.len()),
        Err(error) => format!("{:?}", Outcome::from(error)),
    };
    let rules = list::Rules {
        wants_stat: false,
        max_entries: 1000,
    };
    let listed = match list::list(scope, at, &rules) {
        Ok(listed) => format!(
            "{:?} {:?}",
            String::from_utf8_lossy(&listed.entries.names),
            listed.entries.kinds
        ),
        Err(error) => format!("{:?}", Outcome::from(error)),
    };
    let mut names = BTreeSet::new();
    let walked = walked(scope, at, &mut names);
    let (stat, lstat) = (kind(stat::stat(scope, at)), kind(stat::lstat(scope, at)));
    let told = format!("{stat}; {lstat}; {target}; {listed}; {walked}");
    Outcome::Looked(told, names)
}

/// Describes the end of a walk. Its names are a set: their order is that of the directories.
fn walked(scope: &Scope<'_>, at: &[u8], names: &mut BTreeSet<String>) -> String {
    let rules = walk::Rules {
        wants_stat: true,
        max_depth: u32::MAX,
        skips_errors: false,
    };
    let mut walk = match Walk::open(scope, at, rules) {
        Ok((walk, _)) => walk,
        Err(error) => return format!("{:?}", Outcome::from(error)),
    };
    let mut count = 0;
    loop {
        let batch = walk.next_batch(&|| false);
        count += batch.entries.count;
        let parts = batch.entries.names.split(|&byte| byte == 0);
        names.extend(parts.map(|name| String::from_utf8_lossy(name).into_owned()));
        if let Some((error, _)) = batch.failure {
            return format!("{:?}", Outcome::from(error));
        }
        if batch.is_end {
            return format!("{count} entries");
        }
    }
}
