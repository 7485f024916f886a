//! What the `holdfast doctor` command asks: facts about a path, and each verb without its effect.

pub mod dry_run;
mod inspect;
mod predict;

pub use inspect::{Facts, inspect, read_proc_entry};
