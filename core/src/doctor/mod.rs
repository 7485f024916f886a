//! Support for the `holdfast doctor` command: facts about a path, and a dry run of each verb.

pub mod dry_run;
mod inspect;

pub use inspect::{Facts, Locks, inspect, is_system_directory, read_proc_entry};
