//! Key of the descriptors that are kept for the next append.

use super::rules::AppendRules;
use crate::error::Error;
use crate::path;
use crate::resolve::{Policy, Scope};

/// Identifies the target of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Number of the root, or 0.
    root: u64,
    text: Vec<u8>,
}

impl Key {
    /// Returns the key of a path, or `None` where its directory has to be opened anew: beneath the
    /// directory of a root, and with other policies than the kernel's, each component is judged.
    pub(super) fn new(
        scope: &Scope<'_>,
        raw: &[u8],
        rules: &AppendRules<'_>,
    ) -> Result<Option<Self>, Error> {
        if rules.lock.directory.is_some() {
            return Ok(None);
        }
        let located = scope.locate(raw)?;
        let is_fit = match scope.root {
            Some(_) => matches!(path::split(&located.text), Some((b"" | b".", _))),
            None => scope.policy == Policy::FollowParents && located.is_plain && cfg!(unix),
        };
        Ok((is_fit && !located.names_directory).then(|| Self {
            root: scope.root.map_or(0, |root| root.number()),
            text: located.text.into_owned(),
        }))
    }

    /// Returns the absolute path of a file outside a root.
    pub(super) fn absolute(&self) -> Option<&[u8]> {
        (self.root == 0).then_some(&self.text)
    }

    /// Returns the number of the root, or 0.
    pub(super) fn root(&self) -> u64 {
        self.root
    }
}
