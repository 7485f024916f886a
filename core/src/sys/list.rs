//! The names in a directory, all at once.

use super::{BorrowedFd, Directory};
use crate::error::Os;

/// Returns the names in a directory, without `.` and `..`.
pub(crate) fn list(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Os> {
    let mut directory = Directory::open(dir)?;
    let mut names = Vec::new();
    while let Some(entry) = directory.next()? {
        names.push(entry.name.to_vec());
    }
    Ok(names)
}

/// Returns whether a directory has no entries, by reading it.
pub(crate) fn is_empty_directory(dir: BorrowedFd<'_>) -> Result<bool, Os> {
    Ok(Directory::open(dir)?.next()?.is_none())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sys::{self, AsFd};
    use std::fs::File;

    #[test]
    fn lists_names_of_any_length_and_nothing_else() {
        let base = std::env::temp_dir().join(format!("holdfast-listing-{}", std::process::id()));
        std::fs::create_dir_all(&base).unwrap();
        let dir = File::open(&base).unwrap();
        assert!(is_empty_directory(dir.as_fd()).unwrap());
        let mut expected = vec![b"a".to_vec(), vec![b'x'; 255]];
        // More than one block of records.
        expected.extend((0..3000).map(|number| format!("name-{number}").into_bytes()));
        for name in &expected {
            std::fs::write(base.join(str::from_utf8(name).unwrap()), "").unwrap();
        }
        let mut names = list(dir.as_fd()).unwrap();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
        assert!(!is_empty_directory(dir.as_fd()).unwrap());
        let file = File::open(base.join("a")).unwrap();
        assert_eq!(list(file.as_fd()).unwrap_err().errno, sys::ENOTDIR);
        std::fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn a_directory_tells_kind_and_inode_of_each_entry() {
        let base = std::env::temp_dir().join(format!("holdfast-kinds-{}", std::process::id()));
        std::fs::create_dir_all(base.join("directory")).unwrap();
        std::fs::write(base.join("file"), "").unwrap();
        std::os::unix::fs::symlink("nothing", base.join("link")).unwrap();
        let dir = File::open(&base).unwrap();
        let mut directory = Directory::open(dir.as_fd()).unwrap();
        let mut count = 0;
        while let Some(entry) = directory.next().unwrap() {
            let stat = sys::fstatat(dir.as_fd(), entry.name).unwrap();
            assert_eq!(entry.ino, stat.ino);
            assert!(entry.kind.is_none_or(|kind| kind == stat.kind()));
            count += 1;
        }
        assert_eq!(count, 3);
        assert!(directory.next().unwrap().is_none());
        std::fs::remove_dir_all(&base).unwrap();
    }
}
