//! Measures the lower bound of every benchmark figure: the bare system calls of a verb, in a loop.
//!
//! Reads requests from standard input, one per line, and prints the nanoseconds of each: `read PATH
//! SIZE RUNS`, `write PATH SIZE SYNCED RUNS`, `ensure-dir PATH RUNS`. Paths have no spaces.
#![allow(unsafe_code, missing_docs)]

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
    use std::ffi::{CStr, CString};
    use std::io::{BufRead, Write};
    use std::os::fd::RawFd;
    use std::time::Instant;

    use nix::libc;

    /// From this size on, a read gets fresh memory with huge pages, as in the addon.
    const FRESH_MEMORY_FROM: usize = 4 << 20;
    const MODE: libc::mode_t = 0o644;

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
        match words {
            ["read", path, size, runs] => {
                let mut read = Read::new(path, number(size));
                timed(number(runs), || read.run())
            }
            ["write", path, size, synced, runs] => {
                let mut write = Publish::new(path, number(size), *synced == "true");
                timed(number(runs), || write.run())
            }
            ["ensure-dir", path, runs] => {
                let path = c_string(path);
                timed(number(runs), || ensure_dir(&path))
            }
            _ => panic!("unknown request {words:?}"),
        }
    }

    fn number(text: &str) -> usize {
        text.parse().expect("a number")
    }

    fn c_string(text: &str) -> CString {
        CString::new(text).expect("no NUL")
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

    fn checked(answer: libc::c_long) -> libc::c_long {
        assert!(answer >= 0, "{}", std::io::Error::last_os_error());
        answer
    }

    fn open_without_links(path: &CStr, flags: libc::c_int) -> RawFd {
        // SAFETY: all-zero is a valid `open_how`.
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = flags as u64;
        how.resolve = libc::RESOLVE_NO_SYMLINKS;
        // SAFETY: path and structure outlive the call, and the size is the structure's.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_openat2,
                libc::AT_FDCWD,
                path.as_ptr(),
                &raw const how,
                size_of::<libc::open_how>(),
            )
        };
        checked(answer) as RawFd
    }

    fn fstat(fd: RawFd) -> libc::stat {
        // SAFETY: all-zero is a valid `stat`.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is ours and outlives the call.
        checked(unsafe { libc::fstat(fd, &raw mut stat) }.into());
        stat
    }

    fn fsync(fd: RawFd) {
        // SAFETY: the call takes a descriptor by value.
        checked(unsafe { libc::fsync(fd) }.into());
    }

    fn close(fd: RawFd) {
        // SAFETY: the code that opened a descriptor closes it, once.
        checked(unsafe { libc::close(fd) }.into());
    }

    struct Read {
        path: CString,
        size: usize,
        buffer: Vec<u8>,
    }

    impl Read {
        fn new(path: &str, size: usize) -> Self {
            let buffer = vec![
                1;
                if size < FRESH_MEMORY_FROM {
                    size + 1
                } else {
                    0
                }
            ];
            Self {
                path: c_string(path),
                size,
                buffer,
            }
        }

        fn run(&mut self) {
            let fd = open_without_links(
                &self.path,
                libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC,
            );
            assert_eq!(fstat(fd).st_size as usize, self.size);
            if self.size < FRESH_MEMORY_FROM {
                read_exactly(fd, self.buffer.as_mut_ptr(), self.size);
            } else {
                with_fresh_memory(self.size, |start| read_exactly(fd, start, self.size));
            }
            close(fd);
        }
    }

    /// Up to this size the buffer has room for the probe byte, and one `read` takes both.
    const ONE_PLACE_UP_TO: usize = 16 * 1024;

    /// Reads the content and a probe byte in one call. The short read proves the end of file.
    fn read_exactly(fd: RawFd, start: *mut u8, size: usize) {
        if size <= ONE_PLACE_UP_TO {
            // SAFETY: the buffer has room for the content and one byte more.
            let answer = unsafe { libc::read(fd, start.cast(), size + 1) };
            assert_eq!(checked(answer as libc::c_long) as usize, size);
            return;
        }
        let mut probe = 0_u8;
        let parts = [
            libc::iovec {
                iov_base: start.cast(),
                iov_len: size,
            },
            libc::iovec {
                iov_base: (&raw mut probe).cast(),
                iov_len: 1,
            },
        ];
        // SAFETY: both parts are writable memory of the given lengths.
        let answer = unsafe { libc::readv(fd, parts.as_ptr(), 2) };
        assert_eq!(checked(answer as libc::c_long) as usize, size);
    }

    fn with_fresh_memory(size: usize, fill: impl FnOnce(*mut u8)) {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: a hint for the new mapping. Kernels without huge pages fail, which is harmless.
        let _ = unsafe { libc::madvise(start, size, libc::MADV_HUGEPAGE) };
        fill(start.cast());
        // SAFETY: unmaps the new mapping, to which no other reference exists.
        checked(unsafe { libc::munmap(start, size) }.into());
    }

    struct Publish {
        directory: CString,
        name: CString,
        data: Vec<u8>,
        synced: bool,
        counter: u64,
    }

    impl Publish {
        fn new(path: &str, size: usize, synced: bool) -> Self {
            let (directory, name) = path.rsplit_once('/').expect("an absolute path");
            let data = b"holdfast ".iter().copied().cycle().take(size).collect();
            Self {
                directory: c_string(directory),
                name: c_string(name),
                data,
                synced,
                counter: 0,
            }
        }

        fn run(&mut self) {
            self.counter += 1;
            let temporary = c_string(&format!(".floor-{:032x}.tmp", self.counter));
            // Only a directory opened for reading can be synced.
            let kind = if self.synced {
                libc::O_RDONLY
            } else {
                libc::O_PATH
            };
            let directory =
                open_without_links(&self.directory, kind | libc::O_DIRECTORY | libc::O_CLOEXEC);
            self.look_at_target(directory);
            let flags =
                libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
            // SAFETY: the name is a C string that outlives the call.
            let fd =
                checked(unsafe { libc::openat(directory, temporary.as_ptr(), flags, MODE) }.into())
                    as RawFd;
            assert_eq!(fstat(fd).st_mode & 0o7777, MODE);
            // SAFETY: the call reads memory of ours of the given length.
            let written = unsafe { libc::write(fd, self.data.as_ptr().cast(), self.data.len()) };
            assert_eq!(written as usize, self.data.len());
            if self.synced {
                fsync(fd);
            }
            close(fd);
            // SAFETY: both names are C strings that outlive the call.
            checked(
                unsafe {
                    libc::renameat(directory, temporary.as_ptr(), directory, self.name.as_ptr())
                }
                .into(),
            );
            if self.synced {
                fsync(directory);
            }
            close(directory);
        }

        fn look_at_target(&self, directory: RawFd) {
            // SAFETY: all-zero is a valid `stat`.
            let mut stat: libc::stat = unsafe { std::mem::zeroed() };
            // SAFETY: name and structure outlive the call. A missing target is no failure.
            let _ = unsafe {
                libc::fstatat(
                    directory,
                    self.name.as_ptr(),
                    &raw mut stat,
                    libc::AT_SYMLINK_NOFOLLOW,
                )
            };
        }
    }

    fn ensure_dir(path: &CStr) {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let fd = open_without_links(path, flags);
        assert_eq!(fstat(fd).st_mode & 0o077, 0);
        close(fd);
    }
}
