//! Where the output goes: standard output, or the file of `-o`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Opens the destination, lets `write` fill it, and closes it.
///
/// Colours go to a terminal only; a file gets none. A reader that closes the pipe early has seen enough: that is no error.
///
/// # Errors
///
/// The file cannot be made, or the disk is full.
pub(crate) fn write_to(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let written = match path {
        Some(path) => File::create(path).and_then(|file| {
            let mut out = BufWriter::new(anstream::StripStream::new(file));
            write(&mut out)?;
            out.flush()
        }),
        None => {
            let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout()));
            write(&mut out).and_then(|()| out.flush())
        }
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
