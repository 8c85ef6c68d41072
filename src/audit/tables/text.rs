//! Tables as text: CSV and JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value};

use super::super::columns::{Cell, Row};
use super::super::rows::{Rows, TABLES};
use super::Sink;
use crate::evidence::Timestamp;

/// One CSV file for each table.
pub(super) struct Csv(Vec<csv::Writer<BufWriter<File>>>);

impl Csv {
    pub(super) fn open(folder: &Path) -> io::Result<Csv> {
        let mut writers = Vec::new();
        for table in &TABLES {
            let file = BufWriter::new(File::create(folder.join(format!("{}.csv", table.name)))?);
            let mut writer = csv::Writer::from_writer(file);
            writer.write_record(table.columns.iter().map(|column| column.name))?;
            writers.push(writer);
        }
        Ok(Csv(writers))
    }
}

impl Sink for Csv {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        each(rows, &mut self.0, |writer, cells, _| Ok(writer.write_record(cells.iter().map(|cell| field(*cell)))?))
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        for writer in self.0 {
            let file = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        }
        Ok(())
    }
}

/// One file of JSON lines for each table.
pub(super) struct Jsonl(Vec<BufWriter<File>>);

impl Jsonl {
    pub(super) fn open(folder: &Path) -> io::Result<Jsonl> {
        let file = |name: &str| Ok(BufWriter::new(File::create(folder.join(format!("{name}.jsonl")))?));
        Ok(Jsonl(TABLES.iter().map(|table| file(table.name)).collect::<io::Result<_>>()?))
    }
}

impl Sink for Jsonl {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        each(rows, &mut self.0, |writer, cells, names| {
            let members = names.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null);
            let object: Map<String, Value> = members.map(|(name, cell)| ((*name).to_owned(), json(*cell))).collect();
            serde_json::to_writer(&mut *writer, &object)?;
            writer.write_all(b"\n")
        })
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        for writer in self.0 {
            writer.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        }
        Ok(())
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

/// A field of CSV.
fn field(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => no_formula(text),
        Cell::Integer(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Texts(texts) => no_formula(&texts.join(" ")),
        Cell::Time(time) => Timestamp(time).to_rfc3339(),
    }
}

/// A text that no spreadsheet takes for a formula: what begins like one gets an apostrophe in front.
pub(in super::super) fn no_formula(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn json(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.into(),
        Cell::Flag(flag) => flag.into(),
        Cell::Texts(texts) => texts.into(),
        Cell::Time(time) => Timestamp(time).to_rfc3339().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        assert_eq!(field(Cell::Text("=cmd|' /C calc'!A0")), "'=cmd|' /C calc'!A0");
        assert_eq!(field(Cell::Text("@SUM(1)")), "'@SUM(1)");
        assert_eq!(field(Cell::Text("a=b")), "a=b");
        assert_eq!(field(Cell::Integer(-3)), "-3");
        assert_eq!(field(Cell::Time(1_500_000)), "1970-01-01T00:00:01.500000Z");
        assert_eq!(field(Cell::Null), "");
    }
}
