//! Where the output goes: standard output, or the file of `-o`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice, StripStream};

/// Opens the destination, lets `write` fill it, and closes it.
///
/// Colours go to a terminal only; a file gets none. A reader that closes the pipe early has seen enough: that is no error.
///
/// # Errors
///
/// The file cannot be made, or the disk is full.
pub(crate) fn write_to(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let styled = || AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let written = match path {
        Some(path) => File::create(path).and_then(|file| plain(file, write)),
        None if styled() => {
            let mut out = BufWriter::new(AutoStream::auto(io::stdout()));
            write(&mut out).and_then(|()| out.flush())
        }
        None => plain(io::stdout().lock(), write),
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Without colours. What is left of a text without them comes in small pieces.
fn plain(out: impl Write + 'static, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut pieces = BufWriter::with_capacity(1 << 16, out);
    let mut out = BufWriter::new(StripStream::new(&mut pieces as &mut dyn Write));
    write(&mut out).and_then(|()| out.flush())
}
