//! A HAR that is written as it grows, and can be read after any kill and on a full disk.
//!
//! ```text
//! {"log":{"version":"1.2","creator":{...},"_authtrail":{...},"entries":[
//! {completed entry},
//! {completed entry},
//! {entry of an exchange that is still open}
//! ],"_authtrailEnd":null                                }}
//! ```
//!
//! Completed entries are never touched again. What follows them (the open ones and the end of the JSON) is written over by
//! the next entry, so the file is a whole HAR after every write; a write that is cut costs only itself. The end has room
//! for the recorder's end mark, so that it needs no more disk than was there before.
//!
//! Knows nothing of sockets. Does not hold entries: what was appended is in the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::evidence::Timestamp;

/// Octets that the end of the file has for the end mark.
const ROOM: usize = 240;

/// Appends entries to a HAR.
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// Where the next completed entry goes.
    end: u64,
    /// Length of the file.
    length: u64,
    /// Completed entries so far.
    entries: u64,
}

/// What the recorder says at its end (design, decision 4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndMark {
    /// Until when nothing was missed; `None` where something may have been.
    pub at: Option<Timestamp>,
    /// Exchanges and connections that were refused and are not in the file.
    pub refused: u64,
    /// Why something may have been missed; `None` where nothing was.
    pub missed: Option<&'static str>,
}

impl Writer {
    /// Makes the file, for its owner alone (mode 0600), with a head and no entry. `about` is written as `log._authtrail`.
    ///
    /// # Errors
    ///
    /// The file exists, or cannot be made or written. A recording is never written over.
    pub fn create(path: &Path, about: &Value) -> io::Result<Writer> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let creator = json!({ "name": "authtrail", "version": env!("CARGO_PKG_VERSION") });
        let head = format!(r#"{{"log":{{"version":"1.2","creator":{creator},"_authtrail":{about},"entries":["#);
        file.write_all(head.as_bytes())?;
        let end = head.len() as u64;
        let mut writer = Writer { file, end, length: end, entries: 0 };
        writer.provisional::<&[u8]>(&[])?;
        Ok(writer)
    }

    /// Appends completed entries, each one JSON object, in one write. They are in the file when this returns.
    ///
    /// # Errors
    ///
    /// The disk is full or fails. The file is then as it was before, and more may be tried.
    pub fn append<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (block, whole) = self.block(entries, None);
        self.put(&block)?;
        self.end += whole as u64;
        self.entries += entries.len() as u64;
        Ok(())
    }

    /// Writes entries that later ones replace: exchanges that are still open, as far as they were seen.
    ///
    /// # Errors
    ///
    /// As [`append`](Writer::append). Completed entries are never at risk.
    pub fn provisional<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> io::Result<()> {
        let (block, _) = self.block(entries, None);
        self.put(&block)
    }

    /// Whether so many octets more can be written; for a recorder that refused work because the disk was full.
    ///
    /// # Errors
    ///
    /// They cannot.
    pub fn has_room(&mut self, octets: usize) -> io::Result<()> {
        let (mut block, _) = self.block::<&[u8]>(&[], None);
        // White space after the JSON is no part of it.
        block.resize(block.len() + octets, b' ');
        self.put(&block)?;
        self.provisional::<&[u8]>(&[])
    }

    /// Puts what was appended on the disk itself.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes the end mark and closes the file.
    ///
    /// # Errors
    ///
    /// The disk fails. The file is then without a mark.
    pub fn end(mut self, mark: &EndMark) -> io::Result<()> {
        let (block, _) = self.block::<&[u8]>(&[], Some(mark));
        self.put(&block)?;
        self.file.sync_all()
    }

    /// Completed entries so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Octets of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The entries with what separates them, and the end of the file; with the length of the former.
    fn block<E: AsRef<[u8]>>(&self, entries: &[E], mark: Option<&EndMark>) -> (Vec<u8>, usize) {
        let size: usize = entries.iter().map(|entry| entry.as_ref().len() + 2).sum();
        let mut block = Vec::with_capacity(size + ROOM + 32);
        for (index, entry) in entries.iter().enumerate() {
            let first = self.entries == 0 && index == 0;
            block.extend_from_slice(if first { b"\n" } else { b",\n" });
            block.extend_from_slice(entry.as_ref());
        }
        let whole = block.len();
        let mark = mark.map_or(Value::Null, |mark| {
            json!({
                "at": mark.at.map(Timestamp::to_rfc3339), "entries": self.entries, "refused": mark.refused,
                "missed": mark.missed,
            })
        });
        block.extend_from_slice(b"\n],\"_authtrailEnd\":");
        block.extend_from_slice(format!("{mark:<ROOM$}", mark = mark.to_string()).as_bytes());
        block.extend_from_slice(b"}}\n");
        (block, whole)
    }

    /// Writes `block` behind the completed entries; where that fails, the end of the JSON alone.
    fn put(&mut self, block: &[u8]) -> io::Result<()> {
        let written = self.write_behind(block);
        if written.is_err() {
            // What was cut off gives back the room that this needs. Where it does not, the file ends behind a whole entry,
            // and readers know what that is.
            let _ = self.file.set_len(self.end);
            self.length = self.end;
            let (end, _) = self.block::<&[u8]>(&[], None);
            let _ = self.write_behind(&end);
        }
        written
    }

    fn write_behind(&mut self, block: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(block)?;
        let length = self.end + block.len() as u64;
        if length < self.length {
            self.file.set_len(length)?;
        }
        self.length = length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{ReadOptions, read_all};

    fn entry(number: u32) -> String {
        let request = format!(r#"{{"method":"GET","url":"http://h/{number}","headers":[],"httpVersion":"HTTP/1.1"}}"#);
        format!(r#"{{"startedDateTime":"2026-01-01T00:00:00Z","request":{request},"response":{{"status":204}}}}"#)
    }

    /// The targets read from the file, whether it is complete, and its end mark.
    fn read(path: &Path) -> (Vec<String>, bool, Option<Timestamp>) {
        let decoded = read_all(&[path.to_owned()], &ReadOptions::default());
        let targets = decoded.exchanges.iter().map(|exchange| exchange.request.target.to_string()).collect();
        (targets, decoded.captures[0].complete, decoded.captures[0].end_mark)
    }

    #[test]
    fn the_file_is_a_har_after_every_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        let whole = |path: &Path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
        let mut writer = Writer::create(&path, &json!({})).unwrap();
        assert_eq!(whole(&path)["log"]["entries"], json!([]));
        writer.provisional(&[entry(7), entry(8)]).unwrap();
        assert_eq!(whole(&path)["log"]["entries"].as_array().unwrap().len(), 2);
        writer.append(&[entry(0)]).unwrap();
        writer.append(&[entry(1), entry(2)]).unwrap();
        writer.provisional(&[entry(9)]).unwrap();
        assert_eq!(read(&path), (["/0", "/1", "/2", "/9"].map(str::to_owned).to_vec(), false, None));
        writer.has_room(100_000).unwrap();
        let mark = EndMark { at: Some(Timestamp(1_767_225_600_000_000)), ..EndMark::default() };
        writer.end(&mark).unwrap();
        assert_eq!(read(&path), (["/0", "/1", "/2"].map(str::to_owned).to_vec(), true, mark.at));
        whole(&path);
        assert!(Writer::create(&path, &json!({})).is_err(), "a recording was written over");
    }

    #[test]
    fn a_file_cut_at_any_octet_keeps_what_was_completed_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        let mut writer = Writer::create(&path, &json!({})).unwrap();
        let mut ends = vec![writer.end];
        for number in 0..3 {
            writer.append(&[entry(number)]).unwrap();
            ends.push(writer.end);
        }
        let content = std::fs::read(&path).unwrap();
        for cut in ends[0]..content.len() as u64 {
            std::fs::write(&path, &content[..cut as usize]).unwrap();
            let kept = ends.iter().skip(1).filter(|end| **end <= cut).count();
            let (targets, complete, mark) = read(&path);
            assert_eq!((targets.len(), complete, mark), (kept, false, None), "cut at {cut}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        Writer::create(&path, &json!({})).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
