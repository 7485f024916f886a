//! Measures the lower bound of every benchmark figure: the bare system calls of a verb, in a loop.
//!
//! Reads requests from standard input, one per line, and prints the nanoseconds of each: the name of
//! the verb, its arguments, and the number of runs. Paths have no spaces.
#![allow(unsafe_code, missing_docs)]

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod changes;
#[cfg(target_os = "linux")]
mod directories;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod state;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the floor is measured on Linux only");
    std::process::exit(1);
}

#[cfg(target_os = "linux")]
fn main() {
    linux::serve();
}

#[cfg(target_os = "linux")]
mod linux {
    use crate::calls::c_string;
    use crate::changes::{Copy, Rename};
    use crate::directories::{Fresh, Walk, ensure_dir};
    use crate::files::{Publish, Read};
    use crate::state::{Append, Lock};
    use std::io::{BufRead, Write};
    use std::time::Instant;

    pub(super) fn serve() {
        let mut answers = std::io::stdout().lock();
        for line in std::io::stdin().lock().lines() {
            let line = line.expect("a request");
            let words: Vec<&str> = line.split(' ').collect();
            let nanoseconds = answer(&words);
            writeln!(answers, "{nanoseconds}").expect("somebody who listens");
            answers.flush().expect("somebody who listens");
        }
    }

    fn answer(words: &[&str]) -> u128 {
        let (runs, request) = words.split_last().expect("a number of runs");
        let runs = number(runs);
        match request {
            ["read", path, size] => {
                let mut read = Read::new(path, number(size));
                timed(runs, || read.run())
            }
            ["write", path, size, synced] => {
                let mut write = Publish::new(path, number(size), *synced == "true");
                timed(runs, || write.run())
            }
            ["ensure-dir", path] => {
                let path = c_string(path);
                timed(runs, || ensure_dir(&path))
            }
            ["fresh-dir", parent] => {
                let mut fresh = Fresh::new(parent);
                timed(runs, || fresh.run())
            }
            ["walk", path] => {
                let mut walk = Walk::new(path);
                timed(runs, || walk.run())
            }
            ["append", file] => {
                let append = Append::new(file);
                timed(runs, || append.run())
            }
            ["lock", file] => {
                let lock = Lock::new(file);
                timed(runs, || lock.run())
            }
            ["rename", dir] => {
                let mut rename = Rename::new(dir);
                timed(runs, || rename.run())
            }
            ["copy", source, over] => {
                let mut copy = Copy::new(source, *over == "true");
                timed(runs, || copy.run())
            }
            _ => panic!("unknown request {words:?}"),
        }
    }

    fn number(text: &str) -> usize {
        text.parse().expect("a number")
    }

    /// Returns the time of the runs, after one eighth as many runs to warm up: this process has
    /// just slept.
    fn timed(runs: usize, mut run: impl FnMut()) -> u128 {
        for _ in 0..runs / 8 {
            run();
        }
        let start = Instant::now();
        for _ in 0..runs {
            run();
        }
        start.elapsed().as_nanos()
    }
}
