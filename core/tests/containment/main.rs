//! Tests the core without Node-API, with each resolver by name: on every kernel, the walk must
//! return the results of `openat2`.

#![cfg(unix)]

mod call;
mod copies;
mod directories;
mod dry_runs;
mod fixture;
mod kinds;
mod like_std;
mod limits;
mod memory;
mod names;
mod reads;
#[cfg(target_os = "linux")]
mod replacing;
mod resolvers_agree;
mod shared_state;
mod table;
mod together;
mod trusted;
mod writes;
