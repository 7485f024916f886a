//! Where a directory was found, to see whether others find the same one there.

use crate::error::Error;
use crate::path;
use crate::resolve::{Last, Policy, Resolver, Root, Scope};
use crate::sys;
use std::sync::Arc;

/// A path that led to a directory.
#[derive(Debug)]
pub(super) struct Origin {
    way: Way,
    /// Device and inode of the directory.
    identity: (u64, u64),
}

#[derive(Debug)]
enum Way {
    /// The parent of a file.
    Parent {
        root: Option<Arc<Root>>,
        policy: Policy,
        resolver: Resolver,
        text: Vec<u8>,
    },
    /// The path of a root, or of a directory for lock files.
    Root(Vec<u8>),
}

impl Origin {
    /// Takes the directory of a file, with its device and inode. `None` for that of a root, which is held open.
    pub(super) fn of_parent(
        scope: &Scope<'_>,
        raw: &[u8],
        identity: (u64, u64),
    ) -> Result<Option<Self>, Error> {
        let located = scope.locate(raw)?;
        let parent = path::split(&located.text).map_or(&b""[..], |(parent, _)| parent);
        if scope.root.is_some() && matches!(parent, b"" | b".") {
            return Ok(None);
        }
        Ok(Some(Self {
            way: Way::Parent {
                root: scope.root.map(Arc::clone),
                policy: scope.policy,
                resolver: scope.resolver,
                text: parent.to_vec(),
            },
            identity,
        }))
    }

    /// Takes a root that was opened by a path.
    pub(super) fn of_root(path: &[u8], root: &Root) -> Self {
        Self {
            way: Way::Root(path.to_vec()),
            identity: root.identity(),
        }
    }

    /// Returns whether the path leads to the directory now.
    pub(super) fn is_there(&self) -> Result<bool, Error> {
        let found = match &self.way {
            Way::Parent {
                root,
                policy,
                resolver,
                text,
            } => {
                let scope = Scope {
                    root: root.as_ref(),
                    policy: *policy,
                    resolver: *resolver,
                };
                scope
                    .stat(text, Last::Follow)
                    .map(|stat| (stat.dev, stat.ino))
            }
            Way::Root(path) => Root::open(path).map(|root| root.identity()),
        };
        match found {
            Ok(identity) => Ok(identity == self.identity),
            // Nothing, a file, a link that the policy refuses: others find no lock there.
            Err(Error::System { os, .. }) if !leads_elsewhere(os.errno) => Err(os.into()),
            Err(_) => Ok(false),
        }
    }
}

fn leads_elsewhere(errno: i32) -> bool {
    matches!(errno, sys::ENOENT | sys::ENOTDIR | sys::ELOOP | sys::EXDEV)
}
