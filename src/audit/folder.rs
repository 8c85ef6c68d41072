//! An output folder: its key, its journal, its tables.
//!
//! | in it | is |
//! |---|---|
//! | `key` | the key of the fingerprints, readable by its owner only; not there where the user gave one |
//! | `journal.jsonl` | one line for each incident, written as it is judged; in the end of those in the tables alone |
//! | `tables/` | the tables with `schema.json`, made when all is judged |
//! | `summary.json` | the summary |

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

use super::inputs::Job;
use super::journal::{self, Indexed, Journal, Lines};
use super::judge::Options;
use super::run::{self, Event};
use super::standing::Standing;
use super::summary::{Summary, Tally};
use super::tables::{self, TableFormat};
use super::work::{Capacity, pool};
use crate::secret::FingerprintKey;

/// An output folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// How an audit ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was found; of what is done, where it was stopped.
    pub summary: Summary,
    /// The same by the keys of findings, for a baseline.
    pub standing: Standing,
    /// Incidents that were not judged any more, since it was stopped.
    pub left: usize,
}

impl Folder {
    /// The folder at `path`, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made, or there is a file.
    pub fn new(path: &Path) -> io::Result<Folder> {
        std::fs::create_dir_all(path)?;
        Ok(Folder(path.to_owned()))
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.0.join(journal::NAME)
    }

    /// The folder with the tables.
    pub fn tables(&self) -> PathBuf {
        self.0.join("tables")
    }

    /// Whether something was judged into it before.
    pub fn is_begun(&self) -> bool {
        self.journal().metadata().is_ok_and(|journal| journal.len() > 0)
    }

    /// The key of the folder; drawn where there is none yet.
    ///
    /// # Errors
    ///
    /// It cannot be read or written, or the system has no random numbers.
    pub fn key(&self) -> io::Result<FingerprintKey> {
        let path = self.0.join("key");
        match File::open(&path) {
            Ok(mut file) => {
                let mut content = Vec::new();
                file.read_to_end(&mut content)?;
                if content.len() < 16 {
                    return Err(io::Error::other("the file `key` is cut off; remove it, and the journal with it"));
                }
                return Ok(FingerprintKey::from_file_content(&content));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let content = random_key()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.write_all(&content)?;
        file.sync_all()?;
        Ok(FingerprintKey::from_file_content(&content))
    }

    /// Judges incidents into this folder: journal, tables, summary. What stands in the journal, judged by the same rules, of
    /// recordings that have not changed, is kept; of recordings that are not among `jobs` nothing is. Where `stop` is set
    /// in between, the journal has what is done and the tables stay as they were.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, or another audit writes to it.
    pub fn audit(
        &self,
        jobs: Vec<Job>,
        options: &Options<'_>,
        capacity: Capacity,
        format: TableFormat,
        stop: &AtomicBool,
        tell: &(dyn Fn(Event) + Sync),
    ) -> io::Result<Outcome> {
        let count = jobs.len();
        let journal = Journal::open(&self.journal())?;
        let written = run::run(jobs, options, capacity, Some(&journal), stop, tell)?;
        let mut tally = Tally::new(options.rules.version());
        let mut lines = Lines::open(&self.journal())?;
        if written.len() < count || stop.load(Ordering::Relaxed) {
            for written in &written {
                tally.add(&lines.read(written.place)?);
            }
        } else {
            let lines = written.iter().map(|written| lines.text(written.place));
            pool(capacity)?.install(|| tables::make(&self.tables(), format, lines, |judged| tally.add(judged)))?;
            self.write_summary(&tally.summary())?;
            // Comparisons and mergers read the journal: it tells of the same recordings as the tables.
            journal.keep(&written.iter().map(|written| written.place).collect::<Vec<_>>())?;
        }
        let summary = tally.summary();
        Ok(Outcome { summary, standing: tally.into_standing(), left: count - written.len() })
    }

    /// Makes the tables from journals that were written elsewhere, by workers or other audits. Where several lines tell of
    /// the same recordings, the last one counts. The second value says how many lines could not be read.
    ///
    /// # Errors
    ///
    /// A journal cannot be read, or the folder cannot be written.
    pub fn merge(&self, journals: &[PathBuf], format: TableFormat) -> io::Result<(Outcome, usize)> {
        let (mut all, mut broken): (Vec<(usize, Indexed)>, usize) = (Vec::new(), 0);
        let mut readers = Vec::new();
        for (at, path) in journals.iter().enumerate() {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            let (lines, bad) = journal::index(path).map_err(named)?;
            all.extend(lines.into_iter().map(|line| (at, line)));
            broken += bad;
            readers.push(Lines::open(path).map_err(named)?);
        }
        // A stable sort keeps the last line of the same recordings last.
        all.sort_by(|(_, a), (_, b)| paths(a).cmp(&paths(b)));
        let mut last: Vec<(usize, Indexed)> = Vec::with_capacity(all.len());
        for line in all {
            match last.last_mut() {
                Some(earlier) if earlier.1.paths == line.1.paths => *earlier = line,
                _ => last.push(line),
            }
        }
        let mut tally = Tally::new("");
        let lines = last.iter().map(|(at, line)| match readers.get_mut(*at) {
            Some(reader) => reader.text(line.place),
            None => Err(io::Error::other("no such journal")),
        });
        tables::make(&self.tables(), format, lines, |judged| tally.add(judged))?;
        let summary = tally.summary();
        self.write_summary(&summary)?;
        Ok((Outcome { summary, standing: tally.into_standing(), left: 0 }, broken))
    }

    /// Whole or not at all, as the tables.
    fn write_summary(&self, summary: &Summary) -> io::Result<()> {
        let (new, target) = (self.0.join(".summary.new"), self.0.join("summary.json"));
        tables::write_file(&new, |out| crate::report::json::pretty(out, summary))?;
        std::fs::rename(new, target)
    }
}

/// The order of rows is that of paths, part by part, as a local audit has it.
fn paths(line: &Indexed) -> Vec<&Path> {
    line.paths.iter().map(Path::new).collect()
}

/// A random key for an audit without a folder.
///
/// # Errors
///
/// The system has no random numbers.
pub fn draw_key() -> io::Result<FingerprintKey> {
    Ok(FingerprintKey::from_file_content(&random_key()?))
}

/// 32 random octets as hex, with a line end: `--key FILE` takes the file elsewhere.
fn random_key() -> io::Result<Vec<u8>> {
    let mut octets = [0; 32];
    SystemRandom::new().fill(&mut octets).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(format!("{hex}\n").into_bytes())
}

/// Judges incidents without a folder: only the summary is kept.
///
/// # Errors
///
/// The threads cannot be started.
pub fn summarise(
    jobs: Vec<Job>,
    options: &Options<'_>,
    capacity: Capacity,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event) + Sync),
) -> io::Result<Outcome> {
    let tally = std::sync::Mutex::new(Tally::new(options.rules.version()));
    let (count, done) = (jobs.len(), std::sync::atomic::AtomicUsize::new(0));
    let add = |event: Event| {
        if let Event::Judged { judged, .. } = &event {
            tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(judged);
        }
        done.fetch_add(1, Ordering::Relaxed);
        tell(event);
    };
    run::run(jobs, options, capacity, None, stop, &add)?;
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Outcome { summary: tally.summary(), standing: tally.into_standing(), left: count - done.into_inner() })
}
