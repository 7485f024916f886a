//! Copies the content of an open file to another.

use crate::error::{Code, Error, Os, Refusal};
use crate::ops::failure::Failure;
use crate::ops::write::IsAborted;
use crate::sys::{self, BorrowedFd};

/// Bytes of one call: the abort flag is looked at in between.
const PIECE: usize = 4 * 1024 * 1024;
/// Bytes that are read and written at once.
const BUFFER: usize = 256 * 1024;

/// Copies the whole content of a file to an empty one. Returns the number of bytes.
///
/// # Errors
///
/// [`Code::TooLarge`] for more than `most` bytes, [`Code::Aborted`]; what the system returned.
pub(super) fn copy_content(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    most: u64,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Error> {
    if sys::clone_content(from, to).is_ok() {
        let size = sys::fstat(to)?.size;
        refuse_growth(size, most)?;
        return Ok(size);
    }
    let mut offset = 0;
    loop {
        refuse_growth(offset, most)?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        match sys::copy_range(from, to, offset, PIECE) {
            // The end, or a file system that copies nothing this way: a read finds out.
            Ok(0) => break,
            Ok(count) => offset += count as u64,
            // Whatever the reason, reading and writing works, or reports the same error.
            Err(_) => break,
        }
    }
    read_and_write(from, to, offset, most, is_aborted)
}

/// Returns the failure of [`copy_content`]. A write concerns the copy, anything else the source.
pub(super) fn content_failure(error: Error) -> Failure {
    match &error {
        Error::System { os, .. } if os.syscall == "write" => Failure::of_second(error),
        _ => error.into(),
    }
}

fn read_and_write(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    mut offset: u64,
    most: u64,
    is_aborted: IsAborted<'_>,
) -> Result<u64, Error> {
    // Most calls only find the end of the file here.
    let mut buffer = vec![0; if offset == 0 { BUFFER } else { 4096 }];
    loop {
        let count = sys::read_at(from, &mut buffer, offset)?;
        if count == 0 {
            return Ok(offset);
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let written = sys::write_at(to, rest, offset)?;
            if written == 0 {
                return Err(Os {
                    errno: sys::EIO,
                    syscall: "write",
                }
                .into());
            }
            offset += written as u64;
            rest = &rest[written..];
        }
        refuse_growth(offset, most)?;
        if is_aborted() {
            return Err(Error::refused(Code::Aborted, ""));
        }
        if buffer.len() < BUFFER {
            buffer.resize(BUFFER, 0);
        }
    }
}

/// Refuses content that became larger than allowed after its size was judged.
fn refuse_growth(size: u64, most: u64) -> Result<(), Error> {
    if size <= most {
        return Ok(());
    }
    Err(Refusal::new(Code::TooLarge, "growth").into())
}
