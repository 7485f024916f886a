//! The features of this system, for `capabilities()`.

use crate::resolve::Resolver;
use crate::sys;

/// System calls that work here, each probed once per process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// `openat2(2)`, or the flags of `open(2)` on macOS: see [`Resolver::Kernel`].
    pub kernel_resolver: bool,
    /// A rename that replaces nothing.
    pub rename_new: bool,
    /// `fchmodat2(2)`.
    pub fchmodat2: bool,
    /// `statx(2)`.
    pub statx: bool,
    /// An unnamed file can be linked.
    pub unnamed_files: bool,
}

impl Features {
    /// Probes the system.
    #[must_use]
    pub fn detect() -> Self {
        Self {
            kernel_resolver: Resolver::detect() == Resolver::Kernel,
            rename_new: sys::rename_new_works(),
            fchmodat2: sys::fchmodat2_works(),
            statx: sys::statx_works(),
            unnamed_files: sys::link_fd_works(),
        }
    }
}

/// Opens the descriptors that stay open for the life of the process, so that their number does not
/// change during a later call.
pub fn open_shared_descriptors() {
    #[cfg(target_os = "linux")]
    let _ = sys::open_procfs();
}
