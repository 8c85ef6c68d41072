//! Makes the tables of an output folder from the lines of a journal: whole, or not at all.
//!
//! Rows come in the order of the lines, so the same lines give the same bytes, however many threads judged them.

#[cfg(feature = "tables")]
pub(super) mod parquet;
#[cfg(feature = "tables")]
mod parts;
pub(super) mod text;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

#[cfg(feature = "tables")]
pub(super) use parts::Parts;

use super::columns::{Cell, Row};
use super::judge::Judged;
use super::rows::{Rows, TABLES};

/// The format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180) with a line of names. Null is an empty field; a text that a spreadsheet would take
    /// for a formula has an apostrophe in front.
    Csv,
    /// One JSON object a line; null members are left out.
    Jsonl,
    /// Parquet: a folder with parts for each table.
    #[cfg(feature = "tables")]
    Parquet,
}

impl TableFormat {
    /// Every one, with its name.
    pub const ALL: &'static [(&'static str, TableFormat)] = &[
        ("csv", TableFormat::Csv),
        ("jsonl", TableFormat::Jsonl),
        #[cfg(feature = "tables")]
        ("parquet", TableFormat::Parquet),
    ];

    /// The one that is written where none is asked for.
    pub fn preferred() -> TableFormat {
        #[cfg(feature = "tables")]
        return TableFormat::Parquet;
        #[cfg(not(feature = "tables"))]
        TableFormat::Csv
    }
}

/// Takes rows into files of one format.
pub(super) trait Sink {
    /// Adds the rows of some incidents.
    fn write(&mut self, batch: &[Judged]) -> io::Result<()>;

    /// Finishes the files.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Opens the files of all tables in `folder`, which exists and is empty.
fn open(folder: &Path, format: TableFormat) -> io::Result<Box<dyn Sink>> {
    match format {
        TableFormat::Csv => Ok(Box::new(text::Text::csv(folder)?)),
        TableFormat::Jsonl => Ok(Box::new(text::Text::jsonl(folder)?)),
        #[cfg(feature = "tables")]
        TableFormat::Parquet => Ok(Box::new(parquet::Parquet::open(folder, parquet::LIMITS)?)),
    }
}

/// Writes every row with the writer of its table. Writers stand in the order of [`TABLES`].
fn each<W>(
    rows: &Rows,
    writers: &mut [W],
    mut write: impl FnMut(&mut W, &[Cell<'_>], &[&'static str]) -> io::Result<()>,
) -> io::Result<()> {
    fn all<R: Row, W>(
        rows: &[R],
        writer: &mut W,
        write: &mut impl FnMut(&mut W, &[Cell<'_>], &[&'static str]) -> io::Result<()>,
    ) -> io::Result<()> {
        let names: Vec<&'static str> = R::COLUMNS.iter().map(|column| column.name).collect();
        rows.iter().try_for_each(|row| write(writer, &row.cells(), &names))
    }
    let [captures, exchanges, trails, links, findings, values] = writers else {
        return Err(io::Error::other("there are six tables"));
    };
    all(&rows.captures, captures, &mut write)?;
    all(&rows.exchanges, exchanges, &mut write)?;
    all(&rows.trails, trails, &mut write)?;
    all(&rows.links, links, &mut write)?;
    all(&rows.findings, findings, &mut write)?;
    all(&rows.values, values, &mut write)
}

/// Name of the file with the columns of all tables.
const SCHEMA_FILE: &str = "schema.json";

/// Makes the tables of `lines` in the folder `target`. What stood there is replaced when all are written.
///
/// # Errors
///
/// A line cannot be read, or the disk is full. Then `target` is as it was.
pub(super) fn make(
    target: &Path,
    format: TableFormat,
    lines: impl Iterator<Item = io::Result<Vec<u8>>>,
    mut also: impl FnMut(&Judged),
) -> io::Result<()> {
    let (new, old) = (beside(target, "new"), beside(target, "old"));
    remove(&new)?;
    remove(&old)?;
    std::fs::create_dir_all(&new)?;
    let written = fill(&new, format, lines, &mut also);
    if let Err(error) = written {
        remove(&new)?;
        return Err(error);
    }
    if target.exists() {
        std::fs::rename(target, &old)?;
    }
    std::fs::rename(&new, target)?;
    remove(&old)
}

fn fill(
    folder: &Path,
    format: TableFormat,
    lines: impl Iterator<Item = io::Result<Vec<u8>>>,
    also: &mut impl FnMut(&Judged),
) -> io::Result<()> {
    let mut sink = open(folder, format)?;
    let mut lines = lines.peekable();
    while lines.peek().is_some() {
        let batch = batch(&mut lines)?;
        sink.write(&batch)?;
        batch.iter().for_each(&mut *also);
    }
    sink.finish()?;
    write_schema(folder)
}

/// Writes down the columns of all tables.
fn write_schema(folder: &Path) -> io::Result<()> {
    write_file(&folder.join(SCHEMA_FILE), |out| {
        serde_json::to_writer_pretty(&mut *out, &TABLES)?;
        out.write_all(b"\n")
    })
}

/// Makes a file, lets `write` fill it, and makes sure that it is on the disk.
pub(super) fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    close(file)
}

/// Makes sure that all of a file is on the disk.
pub(super) fn close(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(|error| error.into_error())?.sync_all()
}

/// Octets of lines that are worked on at once; one longer line is taken alone.
const BATCH: usize = 4 << 20;

/// The next lines, parsed in parallel.
fn batch(lines: &mut impl Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<Vec<Judged>> {
    let (mut taken, mut octets) = (Vec::new(), 0);
    for line in lines {
        let line = line?;
        octets += line.len();
        taken.push(line);
        if octets >= BATCH {
            break;
        }
    }
    taken.into_par_iter().map(|line| Ok(serde_json::from_slice(&line)?)).collect()
}

/// A hidden name in the same folder.
fn beside(target: &Path, mark: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{mark}"))
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("tables");
        let line = |id: &str| {
            let judged = Judged {
                schema: super::super::SCHEMA.to_owned(),
                incident: id.to_owned(),
                paths: vec![id.to_owned()],
                judged_by: String::new(),
                rows: Rows::default(),
            };
            super::super::journal::to_line(&judged).unwrap()
        };
        make(&target, TableFormat::Jsonl, [Ok(line("a"))].into_iter(), |_| {}).unwrap();
        assert!(target.join("captures.jsonl").is_file());
        let torn = [Ok(line("a")), Err(io::Error::other("torn"))];
        assert!(make(&target, TableFormat::Csv, torn.into_iter(), |_| {}).is_err());
        assert!(target.join("captures.jsonl").is_file() && !target.join("captures.csv").exists());
        make(&target, TableFormat::Csv, std::iter::empty(), |_| {}).unwrap();
        assert!(target.join("captures.csv").is_file() && !target.join("captures.jsonl").exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
