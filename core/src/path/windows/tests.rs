use super::*;

fn refused(path: &str) -> Option<String> {
    match parse(path.as_bytes()) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, Code::InvalidPath, "{path:?}");
            Some(refusal.detail.to_owned())
        }
        Err(error) => panic!("{path:?}: {error}"),
        Ok(_) => None,
    }
}

#[test]
fn what_is_no_file_is_refused_by_its_text() {
    for (path, expected) in [
        (r"\\server\share\f", "namespace"),
        ("//server/share/f", "namespace"),
        (r"\\?\C:\f", "namespace"),
        (r"\\.\PhysicalDrive0", "namespace"),
        (r"\\.\pipe\x", "namespace"),
        (r"/\?\C:\f", "namespace"),
        ("C:x", "drive"),
        ("C:", "drive"),
        ("c:..\\x", "drive"),
        ("f::$DATA", "drive"),
        ("file::$DATA", "stream"),
        ("file:ads", "stream"),
        (r"C:\d\f:ads", "stream"),
        (r"C:\d:\f", "stream"),
        (r"\??\C:\f", "character"),
        ("a?b", "character"),
        ("a*", "character"),
        ("a|b", "character"),
        ("a\"b", "character"),
        ("a<b", "character"),
        ("a>b", "character"),
        ("a\tb", "character"),
        ("CON", "device"),
        ("con", "device"),
        ("aux.txt", "device"),
        ("NUL.tar.gz", "device"),
        (r"C:\a\nul\b", "device"),
        ("prn .txt", "device"),
        ("COM1", "device"),
        ("com0.log", "device"),
        ("LPT9", "device"),
        ("COM\u{b9}", "device"),
        ("lpt\u{b3}.x", "device"),
        ("CONIN$", "device"),
        ("conout$", "device"),
        ("f.", "trailing"),
        ("f ", "trailing"),
        ("a /b", "trailing"),
        ("...", "trailing"),
        (r"C:\a.\b", "trailing"),
    ] {
        assert_eq!(refused(path).as_deref(), Some(expected), "{path:?}");
    }
    let result = parse(b"a\xff").map_err(|error| error.code());
    assert_eq!(result, Err(Some(Code::InvalidPath)));
}

#[test]
fn ordinary_paths_get_slashes_and_a_slash_before_the_drive() {
    for (path, expected) in [
        (r"C:\a\b", "/C:/a/b"),
        ("c:/a/b", "/C:/a/b"),
        (r"C:\", "/C:/"),
        (r"C:\a\..\b", "/C:/a/../b"),
        (r"a\b", "a/b"),
        ("./a", "./a"),
        ("..", ".."),
        ("consul", "consul"),
        ("com10", "com10"),
        ("company", "company"),
        ("auxiliary.txt", "auxiliary.txt"),
        (".con", ".con"),
        ("a.con", "a.con"),
        ("a b", "a b"),
        (" a", " a"),
        (".a", ".a"),
        ("é", "é"),
    ] {
        let parsed = Parsed::Whole(expected.as_bytes().to_vec());
        assert_eq!(parse(path.as_bytes()), Ok(parsed), "{path:?}");
    }
    let top = Parsed::LacksDrive(b"/a/b".to_vec());
    assert_eq!(parse(br"\a\b"), Ok(top));
}

#[test]
fn a_path_is_shown_as_windows_writes_it() {
    for (path, expected) in [
        ("/C:/a/b", r"C:\a\b"),
        ("/C:", r"C:\"),
        ("a/b", r"a\b"),
        (".", "."),
    ] {
        assert_eq!(&*shown(path.as_bytes()), expected.as_bytes(), "{path:?}");
    }
}

#[test]
fn names_are_as_long_as_their_utf_16() {
    assert!(!is_too_long("é".repeat(255).as_bytes()));
    assert!(is_too_long("a".repeat(256).as_bytes()));
    assert!(is_too_long("😀".repeat(128).as_bytes()));
}

/// Builds a reparse point with one name, which is also the print name.
fn reparse_point(tag: u32, flags: Option<u32>, name: &str) -> Vec<u8> {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u16::try_from(wide.len()).unwrap();
    let mut data = tag.to_le_bytes().to_vec();
    data.extend([0; 4]);
    for number in [0, length, 0, length] {
        data.extend(number.to_le_bytes());
    }
    data.extend(flags.into_iter().flat_map(u32::to_le_bytes));
    data.extend(wide);
    data
}

#[test]
fn a_link_leads_where_its_reparse_point_says() {
    const MOUNT_POINT: u32 = 0xa000_0003;
    const SYMLINK: u32 = 0xa000_000c;
    const CLOUD: u32 = 0x9000_001a;
    for (case, tag, flags, name, expected) in [
        (
            "a junction",
            MOUNT_POINT,
            None,
            r"\??\C:\a\b",
            Some("/C:/a/b"),
        ),
        (
            "a junction to a drive",
            MOUNT_POINT,
            None,
            r"\??\D:\",
            Some("/D:"),
        ),
        (
            "a mounted volume",
            MOUNT_POINT,
            None,
            r"\??\Volume{x}\",
            None,
        ),
        (
            "a relative symlink",
            SYMLINK,
            Some(1),
            r"..\a",
            Some("../a"),
        ),
        (
            "a full symlink",
            SYMLINK,
            Some(0),
            r"\??\C:\a",
            Some("/C:/a"),
        ),
        (
            "a symlink to a share",
            SYMLINK,
            Some(0),
            r"\??\UNC\s\s",
            None,
        ),
        (
            "a symlink to the top of its drive",
            SYMLINK,
            Some(1),
            r"\a",
            None,
        ),
        ("a symlink to a device", SYMLINK, Some(1), "nul", None),
        ("what is no link", CLOUD, Some(0), r"\??\C:\a", None),
    ] {
        let target = link_target(&reparse_point(tag, flags, name));
        assert_eq!(
            target,
            expected.map(|path| path.as_bytes().to_vec()),
            "{case}"
        );
    }
    for length in 0..20 {
        let cut = &reparse_point(SYMLINK, Some(0), r"\??\C:\a")[..length];
        assert_eq!(link_target(cut), None, "cut after {length} bytes");
    }
}
