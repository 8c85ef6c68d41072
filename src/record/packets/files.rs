//! The file or the row of files that a packet recording is written to.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::evidence::Timestamp;

/// When another file is begun, and how many are kept. All `None`: one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Most octets of a file.
    pub size: Option<u64>,
    /// Most seconds of a file.
    pub seconds: Option<u64>,
    /// Files that are kept; the oldest are removed.
    pub keep: Option<usize>,
}

impl Rotation {
    /// Whether there may be more than one file.
    pub fn is_set(&self) -> bool {
        self.size.is_some() || self.seconds.is_some()
    }
}

/// Where the packets go.
pub(super) struct Files {
    path: PathBuf,
    rotation: Rotation,
    current: Current,
    /// Files of this recording that are still there, the current one last.
    kept: VecDeque<PathBuf>,
    /// Files so far.
    count: u32,
}

struct Current {
    file: File,
    size: u64,
    begun: Timestamp,
}

impl Files {
    /// Makes the first file and writes `head` to it.
    ///
    /// # Errors
    ///
    /// It cannot be made, or there is one of that name already: a recording is never written over.
    pub(super) fn begin(path: &Path, rotation: Rotation, now: Timestamp, head: &[u8]) -> io::Result<Files> {
        let first = if rotation.is_set() { numbered(path, 1, now) } else { path.to_owned() };
        let current = Current::begin(&first, now, head)?;
        Ok(Files { path: path.to_owned(), rotation, current, kept: VecDeque::from([first]), count: 1 })
    }

    /// Writes a whole block.
    ///
    /// # Errors
    ///
    /// The disk is full, mostly. Then what was written of the block is taken back, so that the file stays whole.
    pub(super) fn write(&mut self, block: &[u8]) -> io::Result<()> {
        self.current.write(block)
    }

    /// Whether the next file is due before `more` octets are written.
    pub(super) fn is_due(&self, now: Timestamp, more: usize) -> bool {
        let Rotation { size, seconds, .. } = self.rotation;
        let full = size.is_some_and(|most| self.current.size.saturating_add(more as u64) > most);
        let old = seconds.is_some_and(|most| now.seconds_since(self.current.begun) >= most as f64);
        full || old
    }

    /// Begins the next file with `head`, and removes the oldest where too many are there.
    ///
    /// # Errors
    ///
    /// It cannot be made or written.
    pub(super) fn next(&mut self, now: Timestamp, head: &[u8]) -> io::Result<()> {
        self.count = self.count.saturating_add(1);
        let path = numbered(&self.path, self.count, now);
        self.current = Current::begin(&path, now, head)?;
        self.kept.push_back(path);
        while self.rotation.keep.is_some_and(|keep| self.kept.len() > keep.max(1)) {
            if let Some(oldest) = self.kept.pop_front() {
                // Somebody else may have removed it; recording goes on either way.
                let _ = std::fs::remove_file(oldest);
            }
        }
        Ok(())
    }

    /// When the current file was begun.
    pub(super) fn begun(&self) -> Timestamp {
        self.current.begun
    }

    /// The files that are there, oldest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Path> {
        self.kept.iter().map(PathBuf::as_path)
    }
}

impl Current {
    fn begin(path: &Path, now: Timestamp, head: &[u8]) -> io::Result<Current> {
        let mut current = Current { file: create(path)?, size: 0, begun: now };
        current.write(head)?;
        Ok(current)
    }

    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        match self.file.write_all(block) {
            Ok(()) => {
                self.size = self.size.saturating_add(block.len() as u64);
                Ok(())
            }
            Err(error) => {
                let _ = self.file.set_len(self.size);
                Err(error)
            }
        }
    }
}

/// A new file that only its owner reads: it holds live credentials.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// `login.pcapng` to `login_00002_20260729093000.pcapng`, as dumpcap names the files of a ring.
fn numbered(path: &Path, number: u32, now: Timestamp) -> PathBuf {
    let time = jiff::Timestamp::from_microsecond(now.0).unwrap_or_default();
    let mut name: OsString = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("_{number:05}_{}", time.strftime("%Y%m%d%H%M%S")));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
