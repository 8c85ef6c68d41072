//! A worker: judges a list of recordings for an engine that spreads lists over machines.
//!
//! It writes a line of a journal for each, and with a folder also parts of the tables. What it keeps in memory does not
//! grow with its list: recordings in work, and one row group of each table.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::inputs::{Grouping, Job, find, listed};
use super::journal::to_line;
use super::judge::{Judged, Options};
use super::run::{Event, stream};
#[cfg(feature = "tables")]
use super::tables::Parts;
use super::work::Capacity;

/// Incidents that wait for the thread that writes the parts.
const WAITING: usize = 2;

/// Judges the recordings on `list`, one path a line: each to a line in `lines` as soon as it is judged, in no order, and
/// with its rows to parts of the tables below `folder`, if one is given. A folder may be shared by workers.
///
/// The parts appear when all is judged and every line is written. They are named by the list: the same list again
/// replaces them. Whoever may cut a list off in the middle gives that worker a folder of its own, since a part of a list is
/// another list. Returns whether all was judged; `false` where `stop` was set in between.
///
/// # Errors
///
/// The list cannot be read to its end, names a folder that cannot be listed, or something cannot be written. No parts are
/// there then.
pub fn work(
    list: impl BufRead,
    grouping: Grouping,
    options: &Options<'_>,
    capacity: Capacity,
    stop: &AtomicBool,
    lines: impl Write + Send,
    folder: Option<&Path>,
) -> io::Result<bool> {
    let mut list = List::new(list, grouping);
    let parts = folder.map(Parts::begin).transpose()?;
    let lines = Mutex::new(lines);
    let failed = Mutex::new(None);
    let parts = std::thread::scope(|scope| {
        let (rows, taken) = sync_channel(WAITING);
        let rows = parts.is_some().then_some(rows);
        // A thread of its own. Those that judge take up other work where they wait inside of a library: one that encodes
        // rows while it holds a lock could come to wait for itself.
        let writer = parts.map(|parts| scope.spawn(move || filled(parts, taken)));
        let tell = |event: Event| {
            let Event::Judged { judged, .. } = event else { return };
            let written = to_line(&judged).and_then(|line| {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.write_all(&line).and_then(|()| lines.flush())
            });
            let written = written.and_then(|()| match &rows {
                Some(rows) => rows.send(judged).map_err(|_| io::Error::other("the parts cannot be written")),
                None => Ok(()),
            });
            if let Err(error) = written {
                stop.store(true, Ordering::Relaxed);
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        let done = stream(&mut list, options, capacity, stop, &tell);
        drop(rows);
        let parts = writer.map(|writer| {
            writer.join().unwrap_or_else(|_| Err(io::Error::other("a fault of this program stopped the tables")))
        });
        done.and(parts.transpose())
    })?;
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    if stop.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let name = list.finish()?;
    parts.map_or(Ok(()), |parts| parts.commit(&name))?;
    Ok(true)
}

/// Fills parts with what comes, until nothing more does.
fn filled(mut parts: Parts, taken: Receiver<Box<Judged>>) -> io::Result<Parts> {
    taken.into_iter().try_for_each(|judged| parts.write(&judged))?;
    Ok(parts)
}

/// The incidents on a list, as they are read.
struct List<R> {
    lines: io::Split<R>,
    grouping: Grouping,
    /// Of the line that was read last.
    jobs: std::vec::IntoIter<Job>,
    hasher: blake3::Hasher,
    failed: Option<io::Error>,
}

impl<R: BufRead> List<R> {
    fn new(list: R, grouping: Grouping) -> List<R> {
        let hasher = blake3::Hasher::new_derive_key("authtrail 2026 name of a list of recordings");
        List { lines: list.split(b'\n'), grouping, jobs: Vec::new().into_iter(), hasher, failed: None }
    }

    /// The incidents that the next line names; `None` at the end.
    fn line(&mut self) -> io::Result<Option<Vec<Job>>> {
        let Some(line) = self.lines.next().transpose()? else { return Ok(None) };
        let path: Vec<PathBuf> = listed(&line).into_iter().collect();
        for path in &path {
            self.hasher.update(path.as_os_str().as_encoded_bytes()).update(b"\n");
        }
        let found = find(&path, self.grouping, None, io::empty())?;
        match found.unlisted.into_iter().next() {
            // Without its recordings the tables would not be whole.
            Some(problem) => Err(io::Error::other(problem)),
            None => Ok(Some(found.jobs)),
        }
    }

    /// The name of the list.
    ///
    /// # Errors
    ///
    /// It could not be read to its end.
    fn finish(self) -> io::Result<String> {
        match self.failed {
            Some(error) => Err(io::Error::new(error.kind(), format!("the list: {error}"))),
            None => Ok(self.hasher.finalize().to_hex()[..16].to_owned()),
        }
    }
}

impl<R: BufRead> Iterator for List<R> {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        while self.failed.is_none() {
            if let Some(job) = self.jobs.next() {
                return Some(job);
            }
            match self.line() {
                Ok(jobs) => self.jobs = jobs?.into_iter(),
                Err(error) => self.failed = Some(error),
            }
        }
        None
    }
}

/// Parts are Parquet, and this build writes none.
#[cfg(not(feature = "tables"))]
enum Parts {}

#[cfg(not(feature = "tables"))]
impl Parts {
    fn begin(_: &Path) -> io::Result<Parts> {
        Err(io::Error::other("this build writes no Parquet; build one that does, with the feature `tables`"))
    }

    fn write(&mut self, _: &Judged) -> io::Result<()> {
        match *self {}
    }

    fn commit(self, _: &str) -> io::Result<()> {
        match self {}
    }
}
