//! The journal of an output folder: one line of JSON for each incident, written as soon as it is judged.
//!
//! Lines are appended. What a kill leaves of the last one is cut off when the journal is opened again. When all is judged,
//! lines of recordings that have changed or are not among the inputs any more are left out, in a new file that takes the
//! place of the old one.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::judge::{Judged, SCHEMA};
use super::tables::close;

/// Name of the journal in an output folder.
pub(super) const NAME: &str = "journal.jsonl";

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    length: u64,
}

/// What tells one line from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct LineKey {
    /// Id of the incident: from path and content.
    pub(super) incident: String,
    /// What it was judged by.
    pub(super) judged_by: String,
}

/// A journal that is written.
pub struct Journal {
    path: PathBuf,
    writer: Mutex<Writer>,
    /// The lines that stand in it from before.
    known: HashMap<LineKey, Place>,
}

struct Writer {
    file: File,
    end: u64,
}

impl Journal {
    /// Opens the journal at `path`, or begins it; what stands in it already is kept. Nobody else may write to it until it
    /// is dropped.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or another audit has it open.
    pub fn open(path: &Path) -> io::Result<Journal> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let in_use = || io::Error::other("another audit is writing to it");
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => in_use(),
            std::fs::TryLockError::Error(error) => error,
        })?;
        if !is_at(&file, path)? {
            return Err(in_use());
        }
        let mut known = HashMap::new();
        let end = scan(&mut file, |place, line| {
            if let Ok(key) = serde_json::from_slice::<LineKey>(line) {
                known.insert(key, place);
            }
        })?;
        file.set_len(end)?;
        Ok(Journal { path: path.to_owned(), writer: Mutex::new(Writer { file, end }), known })
    }

    /// How many lines stand in it from before.
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// Where the line of an incident stands that was judged before.
    pub(super) fn place(&self, key: &LineKey) -> Option<Place> {
        self.known.get(key).copied()
    }

    /// Appends a line.
    pub(super) fn append(&self, judged: &Judged) -> io::Result<Place> {
        let line = to_line(judged)?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.file.write_all(&line)?;
        let place = Place { offset: writer.end, length: line.len() as u64 };
        writer.end += place.length;
        Ok(place)
    }

    /// Makes sure that what was written is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).file.sync_data()
    }

    /// Leaves out all lines but those at `places`: whole, or not at all.
    pub(super) fn keep(self, places: &[Place]) -> io::Result<()> {
        let writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        if places.iter().map(|place| place.length).sum::<u64>() == writer.end {
            return Ok(());
        }
        let new = self.path.with_file_name(".journal.new");
        let mut lines = Lines::open(&self.path)?;
        let mut kept = BufWriter::with_capacity(1 << 18, File::create(&new)?);
        for place in places {
            kept.write_all(&lines.text(*place)?)?;
        }
        close(kept)?;
        // Nobody else writes to the old one: it is locked until here.
        std::fs::rename(new, &self.path)
    }
}

/// Whether `file` is still what stands at `path`: another audit may have put a new one there since it was opened.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (opened, there) = (file.metadata()?, std::fs::metadata(path)?);
        Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        Ok(true)
    }
}

/// A line of a journal, with its line end.
pub(super) fn to_line(judged: &Judged) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(judged)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads lines of a journal by their places, which come in any order: incidents are written as they are judged.
pub(super) struct Lines(File);

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Lines> {
        Ok(Lines(File::open(path)?))
    }

    /// The line at a place, or those members of it that `T` has.
    pub(super) fn read<T: DeserializeOwned>(&mut self, place: Place) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.text(place)?)?)
    }

    /// The text of the line at a place.
    pub(super) fn text(&mut self, place: Place) -> io::Result<Vec<u8>> {
        self.0.seek(SeekFrom::Start(place.offset))?;
        let mut text = vec![0; usize::try_from(place.length).map_err(io::Error::other)?];
        self.0.read_exact(&mut text)?;
        Ok(text)
    }
}

/// One line of a journal that was written elsewhere: where it stands, and what decides where its rows come.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) place: Place,
    pub(super) paths: Vec<String>,
}

/// The lines of a journal; the last one where several tell of the same recordings. The second number counts lines that
/// are none.
pub(super) fn index(path: &Path) -> io::Result<(Vec<Indexed>, usize)> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
        paths: Vec<String>,
    }
    let mut file = File::open(path)?;
    let (mut lines, mut broken) = (Vec::new(), 0);
    scan(&mut file, |place, line| match serde_json::from_slice::<Head>(line) {
        Ok(head) if head.schema == SCHEMA => lines.push(Indexed { place, paths: head.paths }),
        _ => broken += 1,
    })?;
    Ok((lines, broken))
}

/// The last line of each set of recordings, in the order of the journal.
pub(super) fn last(lines: Vec<Indexed>) -> Vec<Indexed> {
    let mut known: HashMap<Vec<String>, usize> = HashMap::with_capacity(lines.len());
    let mut kept: Vec<Option<Indexed>> = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(earlier) = known.insert(line.paths.clone(), kept.len()).and_then(|at| kept.get_mut(at)) {
            *earlier = None;
        }
        kept.push(Some(line));
    }
    kept.into_iter().flatten().collect()
}

/// Hands over every whole line that is not empty, and says where the last one ends. Of a line that begins as none of a
/// journal does, only the beginning is handed over: it may be a recording of any size that was named by mistake.
fn scan(file: &mut File, mut each: impl FnMut(Place, &[u8])) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut offset, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let mut length = reader.by_ref().take(BEGINNING.len() as u64).read_until(b'\n', &mut line)? as u64;
        let mut is_whole = line.last() == Some(&b'\n');
        if !is_whole {
            if line == BEGINNING.as_bytes() {
                length += reader.read_until(b'\n', &mut line)? as u64;
                is_whole = line.last() == Some(&b'\n');
            } else {
                let (passed, ended) = pass(&mut reader)?;
                (length, is_whole) = (length + passed, ended);
            }
        }
        if !is_whole {
            return Ok(offset);
        }
        if length > 1 {
            each(Place { offset, length }, &line);
        }
        offset += length;
    }
}

/// The beginning of every line.
const BEGINNING: &str = "{\"schema\":\"authtrail-audit-v";

/// Passes over the rest of a line; how many octets it had, and whether it ends.
fn pass(reader: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut passed = 0;
    loop {
        let there = reader.fill_buf()?;
        let (octets, ends) = match memchr::memchr(b'\n', there) {
            Some(at) => (at + 1, true),
            None => (there.len(), there.is_empty()),
        };
        let is_end = there.is_empty();
        reader.consume(octets);
        passed += octets as u64;
        if ends {
            return Ok((passed, !is_end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rows::Rows;

    fn line(name: &str) -> Judged {
        let (schema, judged_by) = (SCHEMA.to_owned(), "r".to_owned());
        Judged { schema, incident: name.to_owned(), paths: vec![name.to_owned()], judged_by, rows: Rows::default() }
    }

    #[test]
    fn a_torn_last_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        let first = journal.append(&line("a")).unwrap();
        journal.append(&line("b")).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let journal = Journal::open(&path).unwrap();
        let key = |name: &str| LineKey { incident: name.to_owned(), judged_by: "r".to_owned() };
        assert_eq!((journal.place(&key("a")), journal.place(&key("b"))), (Some(first), None));
        let again = journal.append(&line("b")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        let mut lines = Lines::open(&path).unwrap();
        assert_eq!(lines.read::<Judged>(again).unwrap(), line("b"));
        assert_eq!(lines.read::<Judged>(first).unwrap(), line("a"));
    }

    #[test]
    fn lines_that_are_not_kept_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        let places = ["a", "b", "c"].map(|name| journal.append(&line(name)).unwrap());
        journal.keep(&[places[2], places[0]]).unwrap();
        let (lines, broken) = index(&path).unwrap();
        let paths: Vec<&[String]> = lines.iter().map(|line| &line.paths[..]).collect();
        assert_eq!((paths, broken), (vec![&["c".to_owned()][..], &["a".to_owned()][..]], 0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // What was opened before is not the journal any more.
        assert!(is_at(&File::open(&path).unwrap(), &path).unwrap());
        let old = File::open(&path).unwrap();
        let journal = Journal::open(&path).unwrap();
        journal.keep(&[]).unwrap();
        assert_eq!((is_at(&old, &path).unwrap(), path.metadata().unwrap().len()), (!cfg!(unix), 0));
    }

    #[test]
    fn what_is_no_journal_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.har");
        let whole = super::to_line(&line("a")).unwrap();
        let large = [&b"{\"log\":"[..], &[b'x'; 1 << 20], b"\n"].concat();
        std::fs::write(
            &path,
            [&large[..], &whole, b"\n", b"short\n", BEGINNING.as_bytes(), b"\n", &large[..50]].concat(),
        )
        .unwrap();
        let mut longest = 0;
        let end = scan(&mut File::open(&path).unwrap(), |_, text| longest = longest.max(text.len())).unwrap();
        assert_eq!((longest, end), (whole.len(), path.metadata().unwrap().len() - 50));
        let (lines, broken) = index(&path).unwrap();
        assert_eq!((lines.len(), broken), (1, 3));
        assert_eq!(Lines::open(&path).unwrap().read::<Judged>(lines[0].place).unwrap(), line("a"));
    }

    #[test]
    fn two_audits_do_not_write_to_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let _first = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).is_err());
    }
}
