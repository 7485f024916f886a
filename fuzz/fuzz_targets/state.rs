//! Fuzzes sequences of appends and locks beside other programs that tear, rotate, remove and exchange
//! the files, with both resolvers, against a model of the content.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_core::error::Code;
use holdfast_core::ops::append::{self, AppendRules, Outcome};
use holdfast_core::ops::lock::{Lock, LockRules};
use holdfast_core::resolve::{Policy, Resolver, Root, Scope};
use libfuzzer_sys::fuzz_target;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Limit of steps.
const STEPS: usize = 32;

#[derive(Arbitrary, Debug)]
enum Step {
    /// Appends so many bytes and a line break, by one of the paths to the file.
    Append(u8, u8),
    /// Takes or releases a lock, by one of the paths.
    Lock(u8),
    /// Writes a part of a line, as a process that died would have.
    Tear(u8),
    Rotate,
    Remove,
    Truncate(u8),
    /// Removes the lock file, which nobody may do.
    RemoveLock,
    /// Exchanges the file for a link to one outside.
    Link,
    /// Moves the directory away, and makes a new one.
    MoveDirectory,
}

/// Paths to the same file; `l` is a link to `d`.
const PATHS: [&str; 3] = ["d/log", "l/log", "d/.//log"];

const LOCK: LockRules<'_> = LockRules {
    is_shared: false,
    mode: 0o600,
    directory: None,
    make_parents: None,
    is_for_file: false,
    is_root_by_path: false,
};

fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = place.join(format!(
        "holdfast-fuzz-{name}-{}-{count}",
        std::process::id()
    ));
    fs::create_dir_all(dir.join("root/d")).expect("a tree");
    fs::write(dir.join("outside"), "secret").expect("a file");
    symlink("d", dir.join("root/l")).expect("a link");
    dir
}

fuzz_target!(|steps: Vec<Step>| {
    for resolver in [Resolver::Kernel, Resolver::Walk] {
        let base = scratch("state");
        run(&base, resolver, &steps);
        fs::remove_dir_all(&base).expect("a tree");
    }
});

fn run(base: &Path, resolver: Resolver, steps: &[Step]) {
    let root = Arc::new(Root::open(base.join("root").as_os_str().as_bytes()).expect("a root"));
    let scope = Scope {
        root: Some(&root),
        policy: Policy::FollowWithinRoot,
        resolver,
    };
    let log = base.join("root/d/log");
    let (mut model, mut is_link): (Option<Vec<u8>>, bool) = (None, false);
    let mut held: Option<Lock> = None;
    for (number, step) in steps.iter().take(STEPS).enumerate() {
        match step {
            Step::Append(path, length) => {
                let path = PATHS[usize::from(*path) % PATHS.len()];
                let mut record = vec![b'a' + (number % 26) as u8; usize::from(*length)];
                record.push(b'\n');
                let rules = AppendRules {
                    lock: LOCK,
                    new_file_mode: 0o600,
                    is_durable: false,
                    reject_hardlinks: false,
                    isolates: true,
                    max_bytes: None,
                };
                match append::append(&scope, path.as_bytes(), &record, &rules, &|| false) {
                    Ok(Outcome::Busy { .. }) => assert!(held.is_some(), "{step:?}"),
                    Ok(Outcome::Appended(done)) => {
                        assert!(held.is_none() && !is_link, "{step:?}");
                        assert_eq!(done.created, model.is_none(), "{step:?}");
                        let content = model.get_or_insert_default();
                        let is_torn = content.last().is_some_and(|&last| last != b'\n');
                        assert_eq!(done.isolated, is_torn, "{step:?}");
                        if is_torn {
                            content.push(b'\n');
                        }
                        assert_eq!(done.offset, content.len() as u64, "{step:?}");
                        content.extend_from_slice(&record);
                        assert_eq!(done.size, content.len() as u64, "{step:?}");
                        assert!(!done.rotated, "{step:?}");
                    }
                    Err(failure) => {
                        assert!(is_link, "{step:?}: {:?}", failure.error);
                        assert_eq!(failure.error.code(), Some(Code::Symlink));
                    }
                }
            }
            Step::Lock(path) => {
                let path = PATHS[usize::from(*path) % PATHS.len()];
                match Lock::open(&scope, path.as_bytes(), &LOCK) {
                    Ok(mut lock) => {
                        let is_locked = lock.try_lock().expect("an answer");
                        assert_eq!(is_locked, held.is_none(), "{step:?}");
                        assert!(!is_link, "{step:?}");
                        held = if held.is_some() { None } else { Some(lock) };
                    }
                    Err(error) => {
                        assert!(is_link, "{step:?}: {error:?}");
                        assert_eq!(error.code(), Some(Code::Symlink));
                    }
                }
            }
            Step::Tear(length) if !is_link => {
                let part = vec![b'-'; usize::from(*length)];
                let mut file = OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(&log)
                    .expect("a file");
                file.write_all(&part).expect("a write");
                model.get_or_insert_default().extend_from_slice(&part);
            }
            Step::Truncate(length) if !is_link && model.is_some() => {
                let content = model.get_or_insert_default();
                content.truncate(usize::from(*length));
                let file = OpenOptions::new().write(true).open(&log).expect("a file");
                file.set_len(content.len() as u64).expect("a size");
            }
            Step::Rotate if model.is_some() || is_link => {
                fs::rename(&log, base.join(format!("rotated-{number}"))).expect("a rename");
                (model, is_link) = (None, false);
            }
            Step::Remove if model.is_some() || is_link => {
                fs::remove_file(&log).expect("a file");
                (model, is_link) = (None, false);
            }
            Step::Link if model.is_none() && !is_link => {
                symlink("../../outside", &log).expect("a link");
                is_link = true;
            }
            Step::RemoveLock => {
                for entry in fs::read_dir(base.join("root/d")).expect("a directory") {
                    let entry = entry.expect("an entry");
                    if entry.file_name().as_bytes().ends_with(b".lock") {
                        fs::remove_file(entry.path()).expect("a lock file");
                    }
                }
                if let Some(lock) = held.take() {
                    let lost = lock.check().expect_err("lost");
                    assert_eq!(lost.code(), Some(Code::LockLost));
                }
            }
            Step::MoveDirectory => {
                fs::rename(base.join("root/d"), base.join(format!("moved-{number}")))
                    .expect("a rename");
                fs::create_dir(base.join("root/d")).expect("a directory");
                (model, is_link, held) = (None, false, None);
            }
            _ => {}
        }
        if !is_link {
            assert_eq!(fs::read(&log).ok(), model, "{step:?}");
        }
        assert_eq!(
            fs::read(base.join("outside")).expect("the outside"),
            b"secret"
        );
    }
}
