//! One step of a sequence, as the fuzzer's bytes choose it.

use arbitrary::{Arbitrary, Unstructured};
use holdfast_core::ops::ensure_dir::Existing;
use holdfast_core::ops::write::FinalSymlink;
use holdfast_core::resolve::Policy;

/// Limit of steps: more steps create no tree that fewer could not.
pub const STEPS: usize = 24;
/// Most components of a path or of a symlink's target.
const PARTS: usize = 4;

/// Decodes a variant from one byte. A derived implementation would take four, and inputs would be
/// long.
macro_rules! chosen_by_a_byte {
    ($name:ident: $($variant:ident),+) => {
        impl Arbitrary<'_> for $name {
            fn arbitrary(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
                let all = [$(Self::$variant),+];
                Ok(all[usize::from(u8::arbitrary(bytes)?) % all.len()])
            }
        }
    };
}

chosen_by_a_byte!(Name: D, F, L, Out, X);
chosen_by_a_byte!(
    Part: D, F, L, Out, X, Up, Up, Here, Nothing, Secret, TooLong, Outside, Outside, Root
);
chosen_by_a_byte!(Start: Relative, Relative, Root, Outside);
chosen_by_a_byte!(Mode: PrivateFile, SharedFile, PrivateDir, SharedDir, Volume, Sticky, SetUser);
chosen_by_a_byte!(Links: Reject, FollowParents, FollowWithinRoot, FollowTrusted);
chosen_by_a_byte!(FinalLink: Reject, Replace, Follow);
chosen_by_a_byte!(ForExisting: Tighten, Require, Leave);

/// A whole run.
#[derive(Arbitrary, Debug)]
pub struct Plan {
    /// Whether calls are confined to a root.
    pub is_rooted: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// A step that runs on both trees.
#[derive(Arbitrary, Debug)]
pub enum Step {
    /// Creates a directory by `std::fs`, as other programs would.
    MakeDir(Plain),
    /// Creates a file with this content.
    MakeFile(Plain, u8),
    /// Creates a symlink to any text.
    MakeLink(Plain, Text),
    /// Creates a second name of a file.
    MakeHardlink(Plain, Plain),
    /// Creates a FIFO.
    MakeFifo(Plain),
    /// Sets permission bits, of which a step of holdfast may remove some.
    SetMode(Plain, Mode),
    /// Renames, and replaces an existing file.
    Rename(Plain, Plain),
    /// Removes an object and everything beneath it.
    Remove(Plain),
    /// Reads by holdfast.
    Read {
        /// The path.
        at: Text,
        /// The policy.
        policy: Links,
        /// Whether a file with two names is refused.
        reject_hardlinks: bool,
    },
    /// Writes by holdfast.
    Write {
        /// The path.
        at: Text,
        /// The policy.
        policy: Links,
        /// The content.
        data: u8,
        /// How a symlink under the name is treated.
        final_link: FinalLink,
        /// Whether an existing file may be replaced.
        overwrite: bool,
        /// Whether parents are created.
        make_parents: bool,
        /// An exact mode.
        mode: Option<Mode>,
        /// Whether a file with two names is refused.
        reject_hardlinks: bool,
    },
    /// Ensures a directory by holdfast.
    Ensure {
        /// The path.
        at: Text,
        /// The policy.
        policy: Links,
        /// What happens to an existing directory.
        existing: ForExisting,
        /// The mode.
        mode: Mode,
    },
    /// Looks at a path by holdfast: stat, lstat, readlink, list and walk, beneath a root alone.
    Look {
        /// The path.
        at: Text,
        /// The policy.
        policy: Links,
    },
    /// Renames by holdfast, beneath a root alone.
    RenameBy {
        /// The old path.
        from: Text,
        /// The new path.
        to: Text,
        /// The policy.
        policy: Links,
        /// Whether an existing file may be replaced.
        overwrite: bool,
        /// Whether parents are created.
        make_parents: bool,
    },
    /// Removes by holdfast, beneath a root alone.
    RemoveBy {
        /// The path.
        at: Text,
        /// The policy.
        policy: Links,
        /// Whether a tree is removed.
        recursive: bool,
        /// Whether a missing file is no error.
        ignore_missing: bool,
    },
    /// Copies by holdfast, beneath a root alone.
    CopyBy {
        /// The source.
        from: Text,
        /// The copy.
        to: Text,
        /// The policy.
        policy: Links,
        /// Whether existing files may be replaced.
        overwrite: bool,
        /// Whether a tree is copied.
        recursive: bool,
    },
}

/// One of a few names, so that steps affect the same objects.
#[derive(Debug, Clone, Copy)]
pub enum Name {
    /// `d`, initially a directory.
    D,
    /// `f`, initially a file.
    F,
    /// `l`, initially a symlink to `d`.
    L,
    /// `out`, initially a symlink to the outside.
    Out,
    /// `x`, initially missing.
    X,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::D => "d",
            Self::F => "f",
            Self::L => "l",
            Self::Out => "out",
            Self::X => "x",
        }
    }
}

/// A path of up to three names alone.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub struct Plain(Option<Name>, Option<Name>, Name);

impl Plain {
    /// Returns the path, relative to the root.
    #[must_use]
    pub fn text(&self) -> String {
        let Self(first, second, last) = *self;
        let names = [first, second, Some(last)];
        let names: Vec<&str> = names.into_iter().flatten().map(Name::text).collect();
        names.join("/")
    }
}

/// A component of a path as a caller may pass it.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// `d`
    D,
    /// `f`
    F,
    /// `l`
    L,
    /// `out`
    Out,
    /// `x`
    X,
    /// `..`
    Up,
    /// `.`
    Here,
    /// An extra slash.
    Nothing,
    /// `secret`, a file outside.
    Secret,
    /// `outside`, the directory beside the root.
    Outside,
    /// `root`, the root's own name.
    Root,
    /// A name of 256 bytes, too long for every file system.
    TooLong,
}

/// Where a path starts.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// Relative to the root, or to the directory of the symlink.
    Relative,
    /// At the absolute path of the root.
    Root,
    /// At the absolute path of the outside.
    Outside,
}

/// A path as a caller may pass it, or a symlink's target.
#[derive(Debug)]
pub struct Text {
    /// Where it starts.
    pub start: Start,
    parts: Vec<Part>,
}

impl Arbitrary<'_> for Text {
    /// Makes all lengths equally likely. By chance alone, most paths would have one component or
    /// none.
    fn arbitrary(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let start = Start::arbitrary(bytes)?;
        let length = usize::from(u8::arbitrary(bytes)?) % (PARTS + 1);
        let parts = (0..length).map(|_| Part::arbitrary(bytes));
        let parts = parts.collect::<arbitrary::Result<_>>()?;
        Ok(Self { start, parts })
    }
}

impl Text {
    /// Returns the components, with slashes between them.
    #[must_use]
    pub fn tail(&self) -> String {
        let part = |part: &Part| match part {
            Part::D => "d".to_owned(),
            Part::F => "f".to_owned(),
            Part::L => "l".to_owned(),
            Part::Out => "out".to_owned(),
            Part::X => "x".to_owned(),
            Part::Up => "..".to_owned(),
            Part::Here => ".".to_owned(),
            Part::Nothing => String::new(),
            Part::Secret => "secret".to_owned(),
            Part::Outside => "outside".to_owned(),
            Part::Root => "root".to_owned(),
            Part::TooLong => "n".repeat(256),
        };
        let parts: Vec<String> = self.parts.iter().map(part).collect();
        parts.join("/")
    }
}

/// Permission bits that matter to one of the rules.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// 0600
    PrivateFile,
    /// 0644
    SharedFile,
    /// 0700
    PrivateDir,
    /// 0755
    SharedDir,
    /// 2775
    Volume,
    /// 1777
    Sticky,
    /// 4755
    SetUser,
}

impl Mode {
    /// Returns the bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::PrivateFile => 0o600,
            Self::SharedFile => 0o644,
            Self::PrivateDir => 0o700,
            Self::SharedDir => 0o755,
            Self::Volume => 0o2775,
            Self::Sticky => 0o1777,
            Self::SetUser => 0o4755,
        }
    }
}

/// [`Policy`], with an implementation of `Arbitrary`.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "as in holdfast")]
pub enum Links {
    Reject,
    FollowParents,
    FollowWithinRoot,
    FollowTrusted,
}

impl From<Links> for Policy {
    fn from(links: Links) -> Self {
        match links {
            Links::Reject => Self::Reject,
            Links::FollowParents => Self::FollowParents,
            Links::FollowWithinRoot => Self::FollowWithinRoot,
            Links::FollowTrusted => Self::FollowTrusted,
        }
    }
}

/// [`FinalSymlink`], with an implementation of `Arbitrary`.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "as in holdfast")]
pub enum FinalLink {
    Reject,
    Replace,
    Follow,
}

impl From<FinalLink> for FinalSymlink {
    fn from(link: FinalLink) -> Self {
        match link {
            FinalLink::Reject => Self::Reject,
            FinalLink::Replace => Self::Replace,
            FinalLink::Follow => Self::Follow,
        }
    }
}

/// [`Existing`], with an implementation of `Arbitrary`.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "as in holdfast")]
pub enum ForExisting {
    Tighten,
    Require,
    Leave,
}

impl From<ForExisting> for Existing {
    fn from(existing: ForExisting) -> Self {
        match existing {
            ForExisting::Tighten => Self::Tighten,
            ForExisting::Require => Self::Require,
            ForExisting::Leave => Self::Leave,
        }
    }
}
