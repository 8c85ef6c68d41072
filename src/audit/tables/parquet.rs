//! A table as Parquet: a folder with the name of the table, and in it parts, `part-00000.parquet` and so on.
//!
//! Folders of parts are what DuckDB, Spark and pandas read and write themselves. They are not partitioned by the values of a
//! column: no column has few values and is never null, such a column would be missing in the files, and readers would
//! guess its type from the names of folders. Rows stand in the order of the recordings, so that the statistics of the row
//! groups serve questions about some of them.
//!
//! Texts are UTF-8, numbers 64 bits signed (Spark knows no unsigned ones), times microseconds UTC, lists three levels deep
//! as the format demands. The footer holds the version of the schema and what each column means.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use polars_core::prelude::{
    BooleanChunkedBuilder, ChunkedBuilder, Column as Values, DataFrame, DataType, Int64Type, IntoColumn,
    ListBuilderTrait, ListStringChunkedBuilder, PlSmallStr, PrimitiveChunkedBuilder, Schema, StringChunkedBuilder,
    TimeUnit, TimeZone,
};
use polars_core::schema::SchemaExt;
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetWriter};

use super::super::columns::{Cell, Column, ColumnType};
use super::super::judge::{Judged, SCHEMA};
use super::super::rows::{TABLES, Table};
use super::{Sink, each};

/// When a row group and a part are full.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of a row group: what is kept in memory of a table until it is written.
    group_rows: usize,
    /// Octets of text in a row group, at most; the last row may go beyond.
    group_text: usize,
    /// Rows of a part. The next row group goes to the next part, so that several machines can take one each.
    part_rows: usize,
}

/// For all rows there are.
pub(super) const LIMITS: Limits = Limits { group_rows: 1 << 16, group_text: 16 << 20, part_rows: 4 << 20 };

/// For the share of one worker: one part, so that its name says all.
pub(super) const WHOLE: Limits = Limits { part_rows: usize::MAX, ..LIMITS };

/// One folder with parts for each table.
pub(super) struct Parquet(Vec<Writer>);

impl Parquet {
    pub(super) fn open(folder: &Path, limits: Limits) -> io::Result<Parquet> {
        Ok(Parquet(TABLES.iter().map(|table| Writer::create(folder, table, limits)).collect::<io::Result<_>>()?))
    }
}

impl Sink for Parquet {
    fn write(&mut self, batch: &[Judged]) -> io::Result<()> {
        batch.iter().try_for_each(|judged| each(&judged.rows, &mut self.0, |writer, cells, _| writer.push(cells)))
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.into_iter().try_for_each(Writer::finish)
    }
}

/// A table that is being written.
struct Writer {
    table: &'static Table,
    folder: PathBuf,
    limits: Limits,
    parts: usize,
    rows_in_part: usize,
    part: Part,
    group: Group,
}

type Part = BatchedWriter<BufWriter<File>>;

impl Writer {
    /// Begins the table in a new folder below `folder`.
    fn create(folder: &Path, table: &'static Table, limits: Limits) -> io::Result<Writer> {
        let folder = folder.join(table.name);
        fs::create_dir(&folder)?;
        let part = begin(&folder, 0, table)?;
        Ok(Writer { table, folder, limits, parts: 1, rows_in_part: 0, part, group: Group::new(table) })
    }

    /// Appends a row. A cell that is not of the type of its column counts as null.
    fn push(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.group.push(cells);
        if self.group.rows < self.limits.group_rows && self.group.text < self.limits.group_text {
            return Ok(());
        }
        self.write_group()
    }

    /// Writes what is left. A table without rows has one part without rows, so that its columns are known.
    fn finish(mut self) -> io::Result<()> {
        if self.group.rows > 0 {
            self.write_group()?;
        }
        end(self.part, &path(&self.folder, self.parts - 1))
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.rows_in_part >= self.limits.part_rows {
            let next = begin(&self.folder, self.parts, self.table)?;
            end(std::mem::replace(&mut self.part, next), &path(&self.folder, self.parts - 1))?;
            (self.parts, self.rows_in_part) = (self.parts + 1, 0);
        }
        let group = std::mem::replace(&mut self.group, Group::new(self.table));
        self.rows_in_part += group.rows;
        self.part.write_batch(&group.frame()?).map_err(io::Error::other)
    }
}

/// Where a part of a table stands.
pub(super) fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("part-{number:05}.parquet"))
}

fn begin(folder: &Path, number: usize, table: &Table) -> io::Result<Part> {
    let file = BufWriter::new(File::create_new(path(folder, number))?);
    let columns = serde_json::to_string(table.columns)?;
    let notes = [("authtrail.schema", SCHEMA), ("authtrail.table", table.name), ("authtrail.columns", &columns)];
    let notes = notes.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    ParquetWriter::new(file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(notes)))
        .batched(&schema(table))
        .map_err(io::Error::other)
}

/// Writes the footer, and makes sure that the part is on the disk before anything is renamed.
fn end(part: Part, path: &Path) -> io::Result<()> {
    // Flushes the file as well, and says whether that worked.
    part.finish().map(drop).map_err(io::Error::other)?;
    File::open(path)?.sync_all()
}

/// The columns of a table in the types of polars.
pub(in super::super) fn schema(table: &Table) -> Schema {
    table.columns.iter().map(|column| (name(column), data_type(column.kind))).collect()
}

fn name(column: &Column) -> PlSmallStr {
    PlSmallStr::from_static(column.name)
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::String,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Flag => DataType::Boolean,
        ColumnType::Texts => DataType::List(Box::new(DataType::String)),
        ColumnType::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    }
}

/// The rows of a row group, column by column.
struct Group {
    columns: Vec<Builder>,
    rows: usize,
    text: usize,
}

enum Builder {
    Text(StringChunkedBuilder),
    Integer(PrimitiveChunkedBuilder<Int64Type>),
    Flag(BooleanChunkedBuilder),
    Texts(ListStringChunkedBuilder),
    Time(PrimitiveChunkedBuilder<Int64Type>),
}

impl Group {
    fn new(table: &Table) -> Group {
        Group { columns: table.columns.iter().map(Builder::new).collect(), rows: 0, text: 0 }
    }

    fn push(&mut self, cells: &[Cell<'_>]) {
        let cells = cells.iter().copied().chain(std::iter::repeat(Cell::Null));
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.push(cell);
            self.text += match cell {
                Cell::Text(text) => text.len(),
                Cell::Texts(texts) => texts.iter().map(String::len).sum(),
                _ => 0,
            };
        }
        self.rows += 1;
    }

    fn frame(self) -> io::Result<DataFrame> {
        let columns = self.columns.into_iter().map(Builder::finish).collect();
        DataFrame::new(self.rows, columns).map_err(io::Error::other)
    }
}

impl Builder {
    fn new(column: &Column) -> Builder {
        match column.kind {
            ColumnType::Text => Builder::Text(StringChunkedBuilder::new(name(column), 0)),
            ColumnType::Integer => Builder::Integer(PrimitiveChunkedBuilder::new(name(column), 0)),
            ColumnType::Flag => Builder::Flag(BooleanChunkedBuilder::new(name(column), 0)),
            ColumnType::Texts => Builder::Texts(ListStringChunkedBuilder::new(name(column), 0, 0)),
            ColumnType::Time => Builder::Time(PrimitiveChunkedBuilder::new(name(column), 0)),
        }
    }

    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Builder::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Builder::Text(builder), _) => builder.append_null(),
            (Builder::Integer(builder), Cell::Integer(number)) => builder.append_value(number),
            (Builder::Flag(builder), Cell::Flag(flag)) => builder.append_value(flag),
            (Builder::Flag(builder), _) => builder.append_null(),
            (Builder::Texts(builder), Cell::Texts(texts)) => {
                builder.append_values_iter(texts.iter().map(String::as_str));
            }
            (Builder::Texts(builder), _) => builder.append_null(),
            (Builder::Time(builder), Cell::Time(time)) => builder.append_value(time),
            (Builder::Integer(builder) | Builder::Time(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> Values {
        match self {
            Builder::Text(builder) => builder.finish().into_column(),
            Builder::Integer(builder) => builder.finish().into_column(),
            Builder::Flag(builder) => builder.finish().into_column(),
            Builder::Texts(mut builder) => builder.finish().into_column(),
            Builder::Time(builder) => {
                builder.finish().into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column()
            }
        }
    }
}

/// The parts of a table below `folder`, in order; none where the table is not there.
///
/// # Errors
///
/// The folder is there and cannot be read.
pub(in super::super) fn parts(folder: &Path, table: &Table) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder.join(table.name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

/// The columns of a part: those of the version of the program that wrote it.
pub(in super::super) fn columns(part: &Path) -> io::Result<Schema> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", part.display()));
    let mut reader = ParquetReader::new(File::open(part).map_err(named)?);
    reader.schema().map(|schema| Schema::from_arrow_schema(&schema)).map_err(|error| named(io::Error::other(error)))
}

/// Reads some columns of a part, or all.
pub(in super::super) fn read(part: &Path, columns: Option<Vec<String>>, rows: Option<usize>) -> io::Result<DataFrame> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", part.display()));
    let file = File::open(part).map_err(named)?;
    let reader = ParquetReader::new(file).with_columns(columns).with_slice(rows.map(|rows| (0, rows)));
    reader.finish().map_err(|error| named(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `rows` rows and says how many each part holds.
    fn check(limits: Limits, rows: i64, expected: &[usize]) {
        let folder = tempfile::tempdir().unwrap();
        let table = TABLES.iter().find(|table| table.name == "links").unwrap();
        let mut writer = Writer::create(folder.path(), table, limits).unwrap();
        for row in 0..rows {
            // `position` is the third column; what is missing at the end is null.
            writer.push(&[Cell::Text("incident"), Cell::Text("trail"), Cell::Integer(row)]).unwrap();
        }
        writer.finish().unwrap();
        let parts = parts(folder.path(), table).unwrap();
        let frames: Vec<DataFrame> = parts.iter().map(|part| read(part, None, None).unwrap()).collect();
        assert_eq!(frames.iter().map(DataFrame::height).collect::<Vec<_>>(), expected);
        let positions = frames.iter().flat_map(|frame| frame.column("position").unwrap().i64().unwrap().iter());
        assert_eq!(positions.map(Option::unwrap).collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
        for (frame, part) in frames.iter().zip(&parts) {
            assert_eq!(**frame.schema(), schema(table));
            assert_eq!(columns(part).unwrap(), schema(table));
            assert_eq!(frame.column("at").unwrap().null_count(), frame.height());
        }
    }

    #[test]
    fn full_groups_are_written_and_full_parts_followed_by_others() {
        let limits = Limits { group_rows: 3, group_text: 1 << 20, part_rows: 6 };
        check(limits, 0, &[0]);
        check(limits, 2, &[2]);
        check(limits, 7, &[6, 1]);
        check(limits, 12, &[6, 6]);
        // 13 octets of text a row: the third row fills the group.
        check(Limits { group_rows: 100, group_text: 30, part_rows: 3 }, 7, &[3, 3, 1]);
    }

    #[test]
    fn some_columns_and_some_rows_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let table = TABLES.iter().find(|table| table.name == "links").unwrap();
        let mut writer = Writer::create(folder.path(), table, LIMITS).unwrap();
        (0..5).for_each(|_| writer.push(&[Cell::Text("i"), Cell::Text("t"), Cell::Integer(1)]).unwrap());
        writer.finish().unwrap();
        let part = parts(folder.path(), table).unwrap().remove(0);
        let frame = read(&part, Some(vec!["trail".to_owned()]), Some(2)).unwrap();
        assert_eq!(frame.shape(), (2, 1));
        assert!(read(&folder.path().join("links/none.parquet"), None, None).is_err());
    }
}
