//! One step of a sequence, as the fuzzer's bytes choose it.

use arbitrary::{Arbitrary, Unstructured};
use holdfast_core::ops::ensure_dir::Existing;
use holdfast_core::ops::write::FinalSymlink;
use holdfast_core::resolve::Policy;

/// More than these many steps make no tree that fewer would not.
pub const STEPS: usize = 24;
/// Components of a path or of a link's target.
const PARTS: usize = 4;

/// Lets one byte choose a variant: derived, it would take four, and inputs would be long.
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
    /// Beneath a root that nothing may leave, or free.
    pub is_rooted: bool,
    /// What is done, in this order.
    pub steps: Vec<Step>,
}

/// Something that is done to both trees.
#[derive(Arbitrary, Debug)]
pub enum Step {
    /// By `std::fs`, as other programs would.
    MakeDir(Plain),
    /// A file with this content.
    MakeFile(Plain, u8),
    /// A symlink to any text.
    MakeLink(Plain, Text),
    /// A second name of a file.
    MakeHardlink(Plain, Plain),
    /// A FIFO.
    MakeFifo(Plain),
    /// Permission bits, of which a step of holdfast may remove some.
    SetMode(Plain, Mode),
    /// Over whatever has the name.
    Rename(Plain, Plain),
    /// With all that is beneath.
    Remove(Plain),
    /// By holdfast.
    Read {
        /// What is read.
        at: Text,
        /// Under which policy.
        policy: Links,
        /// A file with two names is refused.
        reject_hardlinks: bool,
    },
    /// By holdfast.
    Write {
        /// What is written.
        at: Text,
        /// Under which policy.
        policy: Links,
        /// The content.
        data: u8,
        /// What a link under the name means.
        final_link: FinalLink,
        /// Whether something may be replaced.
        overwrite: bool,
        /// Whether parents are made.
        make_parents: bool,
        /// An exact mode.
        mode: Option<Mode>,
        /// A file with two names is refused.
        reject_hardlinks: bool,
    },
    /// By holdfast.
    Ensure {
        /// Which directory.
        at: Text,
        /// Under which policy.
        policy: Links,
        /// What happens to one that exists.
        existing: ForExisting,
        /// Its mode.
        mode: Mode,
    },
}

/// One of a few names, so that steps meet.
#[derive(Debug, Clone, Copy)]
pub enum Name {
    /// `d`, a directory at first.
    D,
    /// `f`, a file at first.
    F,
    /// `l`, a link to `d` at first.
    L,
    /// `out`, a link to the outside at first.
    Out,
    /// `x`, nothing at first.
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

/// A path of names alone, up to three.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub struct Plain(Option<Name>, Option<Name>, Name);

impl Plain {
    /// Relative to the root.
    #[must_use]
    pub fn text(&self) -> String {
        let Self(first, second, last) = *self;
        let names = [first, second, Some(last)];
        let names: Vec<&str> = names.into_iter().flatten().map(Name::text).collect();
        names.join("/")
    }
}

/// A component of a path as a caller may give it.
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
    /// A slash too many.
    Nothing,
    /// `secret`, a file outside.
    Secret,
    /// `outside`, the directory beside the root.
    Outside,
    /// `root`, the root's own name.
    Root,
    /// A name of 256 bytes, which no file system takes.
    TooLong,
}

/// Where a path starts.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// At the root, or at the directory of the link.
    Relative,
    /// With the absolute path of the root.
    Root,
    /// With the absolute path of the outside.
    Outside,
}

/// A path as a caller, or a link, may give it.
#[derive(Debug)]
pub struct Text {
    /// Where it starts.
    pub start: Start,
    parts: Vec<Part>,
}

impl Arbitrary<'_> for Text {
    /// All lengths are as likely: left to chance, most paths would have one component or none.
    fn arbitrary(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let start = Start::arbitrary(bytes)?;
        let length = usize::from(u8::arbitrary(bytes)?) % (PARTS + 1);
        let parts = (0..length).map(|_| Part::arbitrary(bytes));
        let parts = parts.collect::<arbitrary::Result<_>>()?;
        Ok(Self { start, parts })
    }
}

impl Text {
    /// The components, with slashes between them.
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
    /// The bits.
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

/// [`Policy`], so that it can be arbitrary.
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

/// [`FinalSymlink`], so that it can be arbitrary.
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

/// [`Existing`], so that it can be arbitrary.
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
