//! The key logs of a recording, read as they grow.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Most octets that are read at once, and longest line.
const AT_ONCE: u64 = 1 << 20;
/// Octets of keys that are kept for the files to come.
const KEPT: usize = 16 << 20;

/// Key logs that other programs write to.
pub(super) struct KeyLogs {
    logs: Vec<Growing>,
    /// Every line so far, for the next file of a row.
    all: Zeroizing<Vec<u8>>,
}

/// One of them.
struct Growing {
    path: PathBuf,
    /// Octets that were read.
    read: u64,
    /// What follows the last line break.
    partial: Zeroizing<Vec<u8>>,
}

impl KeyLogs {
    /// They need not be there yet.
    pub(super) fn new(paths: &[PathBuf]) -> KeyLogs {
        let logs = paths.iter().map(|path| Growing { path: path.clone(), read: 0, partial: Zeroizing::default() });
        KeyLogs { logs: logs.collect(), all: Zeroizing::default() }
    }

    /// Lines that were written since the last call; empty where there are none.
    pub(super) fn new_lines(&mut self) -> Zeroizing<Vec<u8>> {
        let mut lines = Zeroizing::new(Vec::new());
        for log in &mut self.logs {
            // A log that is not there yet, or not readable for a moment, is asked again.
            let _ = log.read(&mut lines);
        }
        if self.all.len().saturating_add(lines.len()) <= KEPT {
            self.all.extend_from_slice(&lines);
        }
        lines
    }

    /// Every line so far.
    pub(super) fn all(&self) -> &[u8] {
        &self.all
    }
}

impl Growing {
    fn read(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        let size = length(&self.path)?;
        if size == self.read {
            return Ok(());
        }
        // It was begun anew.
        if size < self.read {
            self.read = 0;
            self.partial.clear();
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let read = file.take(AT_ONCE).read_to_end(&mut self.partial)?;
        self.read = self.read.saturating_add(read as u64);
        let whole = self.partial.iter().rposition(|octet| *octet == b'\n').map_or(0, |last| last + 1);
        for line in self.partial.drain(..whole).as_slice().split_inclusive(|octet| *octet == b'\n') {
            if is_key(line) {
                lines.extend_from_slice(line);
            }
        }
        if self.partial.len() as u64 > AT_ONCE {
            self.partial.clear();
        }
        Ok(())
    }
}

fn length(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// `LABEL client-random secret` (draft-ietf-tls-keylogfile). Nothing else goes into a recording, whatever file was named.
fn is_key(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let mut words = line.split_ascii_whitespace();
    let (Some(label), Some(random), Some(secret), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let is_hex = |text: &str| text.bytes().all(|octet| octet.is_ascii_hexdigit());
    let is_label = label.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'_');
    is_label && is_hex(random) && is_hex(secret)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn whole_lines_are_taken_as_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.log");
        let mut logs = KeyLogs::new(std::slice::from_ref(&path));
        let mut check = |added: &str, expected: &str| {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
            file.write_all(added.as_bytes()).unwrap();
            assert_eq!(std::str::from_utf8(&logs.new_lines()).unwrap(), expected);
        };
        check("# a comment\n", "");
        check("CLIENT_RANDOM 00ff", "");
        check(" aa\nCLIENT_RANDOM 01 bb\nCLIENT", "CLIENT_RANDOM 00ff aa\nCLIENT_RANDOM 01 bb\n");
        check("_RANDOM 02 cc\n-----BEGIN PRIVATE KEY-----\n", "CLIENT_RANDOM 02 cc\n");
        check("", "");
        assert_eq!(logs.all().iter().filter(|octet| **octet == b'\n').count(), 3);
        std::fs::write(&path, "CLIENT_RANDOM 03 dd\n").unwrap();
        assert_eq!(logs.new_lines().as_slice(), b"CLIENT_RANDOM 03 dd\n");
    }

    #[test]
    fn a_log_that_is_not_there_has_no_lines() {
        assert!(KeyLogs::new(&["no-such-folder/keys.log".into()]).new_lines().is_empty());
    }
}
