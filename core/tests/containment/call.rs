//! Calls the three verbs, and describes their outcomes in a few words.

use crate::fixture::Fixture;
use holdfast_core::error::Error;
use holdfast_core::ops::write::{Durable, FinalSymlink};
use holdfast_core::ops::{ensure_dir, read, write};
use holdfast_core::resolve::Root;
use holdfast_core::resolve::{Policy, Resolver, Scope};
use nix::errno::Errno;
use std::sync::Arc;

/// Both resolvers, for tests that compare them.
pub(crate) const RESOLVERS: [Resolver; 2] = [Resolver::Kernel, Resolver::Walk];

/// Declares two tests for each function: `name::kernel` and `name::walk`.
macro_rules! per_resolver {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn kernel() {
                super::$name(holdfast_core::resolve::Resolver::Kernel);
            }

            #[test]
            fn walk() {
                super::$name(holdfast_core::resolve::Resolver::Walk);
            }
        })+
    };
}
pub(crate) use per_resolver;

/// All four policies apply beneath a root.
pub(crate) const ROOTED: [Policy; 4] = [
    Policy::Reject,
    Policy::FollowParents,
    Policy::FollowWithinRoot,
    Policy::FollowTrusted,
];

/// The policies that apply without a root.
pub(crate) const FREE: [Policy; 3] = [Policy::Reject, Policy::FollowParents, Policy::FollowTrusted];

/// The content of every write.
pub(crate) const NEW: &str = "new content";

/// One of the three verbs, with its rules.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Read(read::Rules),
    Write(write::Rules),
    Ensure(ensure_dir::Rules),
}

/// A read that checks only the path.
pub(crate) const READ: read::Rules = read::Rules {
    max_bytes: u64::MAX,
    reject_hardlinks: false,
    allow_pseudo: false,
    outbound: read::Outbound::No,
};

/// A write with the defaults of the public API, but without syncs.
pub(crate) const WRITE: write::Rules = write::Rules {
    mode: None,
    new_file_mode: 0o644,
    overwrite: true,
    final_symlink: FinalSymlink::Reject,
    durable: Durable::No,
    make_parents: None,
    reject_hardlinks: false,
    in_place: false,
};

/// A directory with the defaults of the public API.
pub(crate) const ENSURE: ensure_dir::Rules = ensure_dir::Rules {
    mode: 0o700,
    existing: ensure_dir::Existing::Tighten,
};

/// The caller's resolver and root.
pub(crate) struct Caller<'a> {
    pub(crate) fixture: &'a Fixture,
    pub(crate) root: Option<Arc<Root>>,
    pub(crate) resolver: Resolver,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(fixture: &'a Fixture, resolver: Resolver, is_rooted: bool) -> Self {
        if is_rooted {
            Self::rooted(fixture, resolver)
        } else {
            Self::free(fixture, resolver)
        }
    }

    /// Builds a caller confined to the directory `root` of a fixture.
    pub(crate) fn rooted(fixture: &'a Fixture, resolver: Resolver) -> Self {
        let root = Root::open(fixture.text("root").as_bytes()).unwrap();
        Self {
            fixture,
            root: Some(Arc::new(root)),
            resolver,
        }
    }

    /// Builds a caller without a root.
    pub(crate) fn free(fixture: &'a Fixture, resolver: Resolver) -> Self {
        Self {
            fixture,
            root: None,
            resolver,
        }
    }

    pub(crate) fn scope(&self, policy: Policy) -> Scope<'_> {
        Scope {
            root: self.root.as_ref(),
            policy,
            resolver: self.resolver,
        }
    }

    /// Calls the verb, and describes the outcome in the words of [`crate::table`].
    pub(crate) fn call(&self, verb: &Verb, policy: Policy, at: &[u8]) -> String {
        let outcome = match verb {
            Verb::Read(rules) => self.read(policy, at, rules),
            Verb::Write(rules) => self.write(policy, at, rules),
            Verb::Ensure(rules) => self.ensure(policy, at, rules),
        };
        outcome.unwrap_or_else(|error| name_of(&error))
    }

    fn read(&self, policy: Policy, at: &[u8], rules: &read::Rules) -> Result<String, Error> {
        let content = read_whole(&self.scope(policy), at, rules)?;
        Ok(format!("= {}", String::from_utf8_lossy(&content)))
    }

    fn write(&self, policy: Policy, at: &[u8], rules: &write::Rules) -> Result<String, Error> {
        let written = write::write(&self.scope(policy), at, NEW.as_bytes(), rules, &|| false)?;
        assert_eq!(written.size, NEW.len() as u64);
        let sign = if written.created { "+" } else { ">" };
        Ok(format!("{sign} {}", self.told(written.real.as_deref(), at)))
    }

    fn ensure(
        &self,
        policy: Policy,
        at: &[u8],
        rules: &ensure_dir::Rules,
    ) -> Result<String, Error> {
        let ensured = ensure_dir::ensure_dir(&self.scope(policy), at, rules)?;
        Ok(format!("/ {}", self.told(ensured.real.as_deref(), at)))
    }

    /// Describes a real path, below `root` or beside it.
    fn told(&self, real: Option<&[u8]>, given: &[u8]) -> String {
        // Without a real path the given path counts, which is beneath the root, if there is one.
        let is_relative = self.root.is_some() && !given.starts_with(b"/");
        let text = String::from_utf8_lossy(real.unwrap_or(given)).into_owned();
        let real = if real.is_none() && is_relative {
            self.fixture.text(&format!("root/{text}"))
        } else {
            text
        };
        let base = self.fixture.text("");
        let Some(below) = real.strip_prefix(&base) else {
            return real;
        };
        match below.strip_prefix("/root") {
            Some("") => ".".to_owned(),
            Some(below) => below.trim_start_matches('/').to_owned(),
            None => format!("..{below}"),
        }
    }
}

/// Opens and reads a file.
pub(crate) fn read_whole(
    scope: &Scope<'_>,
    at: &[u8],
    rules: &read::Rules,
) -> Result<Vec<u8>, Error> {
    let file = read::open(scope, at, rules)?;
    content_of(&file, rules.max_bytes)
}

/// Reads an open file.
pub(crate) fn content_of(file: &read::OpenFile, max_bytes: u64) -> Result<Vec<u8>, Error> {
    let mut place = vec![0; usize::try_from(file.size()).unwrap()];
    Ok(match file.read(&mut place, max_bytes)? {
        read::Content::Fits(length) => {
            place.truncate(length);
            place
        }
        read::Content::Outgrown(content) => content,
    })
}

/// Returns the code of the public API, or the name of the errno.
pub(crate) fn name_of(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => refusal.code.as_str().to_owned(),
        Error::System { os, .. } => format!("{:?}", Errno::from_raw(os.errno)),
        Error::Incomplete { error, .. } => name_of(error),
    }
}
