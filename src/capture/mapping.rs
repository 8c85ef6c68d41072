//! Maps a file into memory, so that a large recording costs pages that are read and not its whole size.

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The content of `file` as it is now, without a copy.
#[allow(unsafe_code)]
pub(super) fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: the mapping is private to this process and read-only, and nothing here writes to the file. Another
    // process that changes the file meanwhile changes octets under us: every reader checks each octet when it reads
    // it and keeps no conclusion that memory safety depends on. One that cuts the file off ends this process by a
    // signal, as with every program that maps files; small files are read instead of mapped.
    let mapping = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(mapping))
}
