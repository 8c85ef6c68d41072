//! Tables as text: CSV and JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::super::columns::Cell;
use super::super::judge::Judged;
use super::super::rows::{Rows, TABLES};
use super::{Sink, close, each};
use crate::evidence::Timestamp;

/// One file for each table.
pub(super) struct Text {
    files: Vec<BufWriter<File>>,
    /// Appends rows to the texts of the tables.
    render: fn(&Rows, &mut [Vec<u8>]) -> io::Result<()>,
}

impl Text {
    /// Tables as CSV, with a line of names.
    pub(super) fn csv(folder: &Path) -> io::Result<Text> {
        let mut text = Text { files: files(folder, "csv")?, render: csv_rows };
        for (file, table) in text.files.iter_mut().zip(&TABLES) {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            writeln!(file, "{}", names.join(","))?;
        }
        Ok(text)
    }

    /// Tables as JSON lines.
    pub(super) fn jsonl(folder: &Path) -> io::Result<Text> {
        Ok(Text { files: files(folder, "jsonl")?, render: json_rows })
    }
}

fn files(folder: &Path, extension: &str) -> io::Result<Vec<BufWriter<File>>> {
    let file = |name: &str| Ok(BufWriter::new(File::create(folder.join(format!("{name}.{extension}")))?));
    TABLES.iter().map(|table| file(table.name)).collect()
}

impl Sink for Text {
    fn write(&mut self, batch: &[Judged]) -> io::Result<()> {
        let texts: Vec<Vec<Vec<u8>>> = batch
            .par_iter()
            .map(|judged| {
                let mut texts = vec![Vec::new(); TABLES.len()];
                (self.render)(&judged.rows, &mut texts).map(|()| texts)
            })
            .collect::<io::Result<_>>()?;
        for texts in texts {
            for (file, text) in self.files.iter_mut().zip(texts) {
                file.write_all(&text)?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.files.into_iter().try_for_each(close)
    }
}

fn csv_rows(rows: &Rows, texts: &mut [Vec<u8>]) -> io::Result<()> {
    let mut writers: Vec<_> = texts.iter_mut().map(csv::Writer::from_writer).collect();
    each(rows, &mut writers, |writer, cells, _| Ok(writer.write_record(cells.iter().map(|cell| field(*cell)))?))?;
    writers.iter_mut().try_for_each(csv::Writer::flush)
}

fn json_rows(rows: &Rows, texts: &mut [Vec<u8>]) -> io::Result<()> {
    each(rows, texts, |text, cells, names| {
        let mut before = b'{';
        for (name, cell) in names.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null) {
            text.push(before);
            before = b',';
            // Names of columns need no escapes.
            write!(text, "\"{name}\":")?;
            json(text, *cell)?;
        }
        text.extend_from_slice(if before == b'{' { b"{}\n" } else { b"}\n" });
        Ok(())
    })
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

fn json(out: &mut Vec<u8>, cell: Cell<'_>) -> io::Result<()> {
    fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> io::Result<()> {
        Ok(serde_json::to_writer(out, value)?)
    }
    match cell {
        Cell::Null => put(out, &()),
        Cell::Text(text) => put(out, text),
        Cell::Integer(number) => put(out, &number),
        Cell::Flag(flag) => put(out, &flag),
        Cell::Texts(texts) => put(out, texts),
        Cell::Time(time) => put(out, &Timestamp(time).to_rfc3339()),
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
