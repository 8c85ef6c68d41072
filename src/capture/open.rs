//! Opens one recording: a file, or `-` for standard input; undoes a compression of the whole.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::coding::{Coding, End, decompress};
use super::content::Content;
use super::digest::digest;
use super::limits::Limits;
use super::mapping;

/// Files below this size are read, larger ones mapped.
const MAP_FROM: u64 = 1 << 20;

/// A recording, opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The content, a compression of the whole undone.
    pub content: Content,
    /// Octets of the file as it is stored.
    pub bytes: u64,
    /// The [`digest`] of the file as it is stored, or BLAKE3 of all of it.
    pub digest: [u8; 32],
    /// SHA-256 of the file as it is stored, in hex; `None` unless asked for.
    pub sha256: Option<String>,
    /// Whether `content` is all of it.
    pub whole: bool,
    /// Why it is not, or what else is to be said.
    pub problems: Vec<String>,
}

/// Why a recording could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// There is no such file.
    Missing,
    /// It is a directory.
    Directory,
    /// The user may not read it.
    NoPermission,
    /// It has no content.
    Empty,
    /// What the system said.
    Other(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Missing => f.write_str("no such file"),
            OpenError::Directory => f.write_str("is a directory; name the recordings in it"),
            OpenError::NoPermission => f.write_str("no permission to read it"),
            OpenError::Empty => f.write_str("is empty; record again and save after the last request"),
            OpenError::Other(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Other(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => OpenError::Missing,
            io::ErrorKind::IsADirectory => OpenError::Directory,
            io::ErrorKind::PermissionDenied => OpenError::NoPermission,
            _ => OpenError::Other(error),
        }
    }
}

/// Opens `path`; `-` is standard input.
///
/// # Errors
///
/// Where there is nothing to read at all.
pub fn open(path: &Path, limits: &Limits, sha256: bool) -> Result<Opened, OpenError> {
    let (stored, problems) = load(path, limits)?;
    unpack(stored, problems, limits, sha256, digest)
}

/// Opens `path` as [`open`] does; the digest is BLAKE3 of all octets, however long it is, so that no change goes unseen.
///
/// # Errors
///
/// Where there is nothing to read at all.
pub fn open_hashing_all(path: &Path, limits: &Limits, sha256: bool) -> Result<Opened, OpenError> {
    let (stored, problems) = load(path, limits)?;
    unpack(stored, problems, limits, sha256, digest_of_all)
}

/// Opens a recording that is already in memory.
///
/// # Errors
///
/// Where it is empty.
pub fn open_content(stored: Bytes, limits: &Limits) -> Result<Opened, OpenError> {
    unpack(stored.into(), Vec::new(), limits, false, digest_of_all)
}

fn digest_of_all(stored: &[u8]) -> [u8; 32] {
    *blake3::hash(stored).as_bytes()
}

fn unpack(
    stored: Content,
    mut problems: Vec<String>,
    limits: &Limits,
    sha256: bool,
    digest: fn(&[u8]) -> [u8; 32],
) -> Result<Opened, OpenError> {
    let mut whole = problems.is_empty();
    if stored.is_empty() {
        return Err(OpenError::Empty);
    }
    let bytes = stored.len() as u64;
    let digest = digest(&stored);
    let sha256 = sha256.then(|| hex(&Sha256::digest(&*stored)));
    let content = match Coding::by_magic(&stored) {
        None => stored,
        Some(coding) => {
            let (content, end) = decompress(coding, &stored, limits.memory, limits.ratio);
            // Two octets are a weak mark: what does not decompress was not compressed that way.
            if content.is_empty() {
                stored
            } else {
                if end != End::Whole {
                    whole = false;
                    problems.push(compression_problem(end, content.len()));
                }
                Content::from(content)
            }
        }
    };
    Ok(Opened { content, bytes, digest, sha256, whole, problems })
}

fn compression_problem(end: End, kept: usize) -> String {
    match end {
        End::OverLimit => format!("decompresses to more than the limit; read the first {kept} octets"),
        _ => format!("compressed data cut off or broken; read the {kept} octets before that"),
    }
}

/// The octets as stored, and what is missing from them.
fn load(path: &Path, limits: &Limits) -> Result<(Content, Vec<String>), OpenError> {
    if path == Path::new("-") {
        return Ok(read_limited(io::stdin().lock(), 0, limits)?);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(OpenError::Directory);
    }
    if metadata.is_file() && metadata.len() >= MAP_FROM {
        return Ok((Content::mapped(mapping::map(&file)?, file), Vec::new()));
    }
    Ok(read_limited(file, metadata.len(), limits)?)
}

/// Reads what is probably so many octets.
fn read_limited(reader: impl Read, expected: u64, limits: &Limits) -> io::Result<(Content, Vec<String>)> {
    let most = limits.memory as u64;
    // One more, so that the end shows without growing.
    let mut content = Vec::with_capacity(expected.min(MAP_FROM).min(most) as usize + 1);
    reader.take(most.saturating_add(1)).read_to_end(&mut content)?;
    let mut problems = Vec::new();
    if content.len() as u64 > most {
        content.truncate(limits.memory);
        problems.push(format!("longer than the limit; read the first {most} octets"));
    }
    Ok((Content::from(content), problems))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(content: &[u8]) -> Result<Opened, OpenError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        open(file.path(), &Limits::default(), true)
    }

    #[test]
    fn a_large_file_is_mapped_and_reads_the_same() {
        let content = vec![b'x'; (MAP_FROM + 3) as usize];
        let opened = opened(&content).unwrap();
        assert_eq!(**opened.content, *content);
        assert_eq!(opened.digest, *blake3::hash(&content).as_bytes());
        assert!(opened.whole);
    }

    #[test]
    fn sha256_is_that_of_the_stored_file() {
        let opened = opened(b"abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(opened.sha256.as_deref(), Some(expected));
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        assert!(matches!(opened(b""), Err(OpenError::Empty)));
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(open(folder.path(), &Limits::default(), false), Err(OpenError::Directory)));
        assert!(matches!(open(&folder.path().join("none"), &Limits::default(), false), Err(OpenError::Missing)));
    }

    #[test]
    fn text_that_looks_like_zlib_stays_as_it_is() {
        // `x` and `\x9c` are a zlib head; what follows is none.
        let text = b"x\x9cnot compressed";
        assert_eq!(**opened(text).unwrap().content, *text);
    }
}
