//! SQL over the Parquet tables of an audit, with polars.
//!
//! polars sees each table as a source of frames that is read when a plan asks for it, and only those columns: its own
//! readers of files inside a plan would bring an HTTP client into the program.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars_core::error::{PolarsError, PolarsResult};
use polars_core::prelude::{DataFrame, Schema, SchemaRef};
use polars_lazy::frame::{LazyFrame, ScanArgsAnonymous};
use polars_lazy::prelude::{AnonymousScan, AnonymousScanArgs};
use polars_sql::SQLContext;

use super::super::rows::{TABLES, Table};
use super::super::tables::parquet;
use super::answer::Answer;
use crate::report::escape;

/// Why a question has no answer.
#[derive(Debug)]
pub enum Error {
    /// The folder holds no tables that can be asked: what is there instead, and what to do.
    NoTables(String),
    /// A table that there is not; the second is what was probably meant.
    UnknownTable(String, Option<&'static str>),
    /// A column that no table of the question has; the second is what was probably meant.
    UnknownColumn(String, Option<String>),
    /// The SQL is wrong, or more than polars can do.
    Sql(String),
    /// A part cannot be read.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let like = |name: &str| format!("; did you mean '{name}'?");
        match self {
            Error::NoTables(message) | Error::Sql(message) => f.write_str(message),
            Error::UnknownTable(name, meant) => {
                let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
                let rest = meant.map_or_else(|| format!("; the tables are {}", names.join(", ")), like);
                write!(f, "unknown table '{name}'{rest}")
            }
            Error::UnknownColumn(name, meant) => {
                let hint = "; authtrail query --schema describes all columns";
                write!(f, "unknown column '{name}'{}", meant.as_deref().map_or_else(|| hint.to_owned(), like))
            }
            Error::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Asks the tables below `folder`: the output folder of an audit, or a folder with the folders of the tables.
///
/// # Errors
///
/// There are no tables, the SQL is wrong, or a part cannot be read.
pub fn query(folder: &Path, sql: &str) -> Result<Answer, Error> {
    only_asks(sql)?;
    let mut context = SQLContext::new();
    let mut sources = Vec::new();
    let folder = tables_of(folder)?;
    for table in &TABLES {
        let parts = parquet::parts(&folder, table).map_err(Error::Io)?;
        let Some(first) = parts.first() else { continue };
        let schema: SchemaRef = Arc::new(parquet::columns(first).map_err(Error::Io)?);
        let args = ScanArgsAnonymous { schema: Some(Arc::clone(&schema)), name: table.name, ..Default::default() };
        let source = Arc::new(Source { parts, schema: Arc::clone(&schema) });
        let frame = LazyFrame::anonymous_scan(source, args).map_err(|error| Error::Sql(message(&error)))?;
        context.register(table.name, frame);
        sources.push((table, schema));
    }
    let answer = contained(|| context.execute(sql).and_then(LazyFrame::collect));
    answer.map(Answer::new).map_err(|error| explained(error, sql, &sources))
}

/// polars also knows statements that change its list of tables. They would do nothing here, and say nothing.
fn only_asks(sql: &str) -> Result<(), Error> {
    let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let first = code.flat_map(str::split_whitespace).next().unwrap_or_default().to_ascii_uppercase();
    match first.as_str() {
        "" => Err(Error::Sql("the question is empty".to_owned())),
        "CREATE" | "DELETE" | "DROP" | "TRUNCATE" => {
            Err(Error::Sql(format!("{first} changes tables; here they can only be asked (SELECT)")))
        }
        _ => Ok(()),
    }
}

/// polars panics on some SQL that it does not foresee. That is an error of the question, not of this program.
fn contained(ask: impl FnOnce() -> PolarsResult<DataFrame>) -> PolarsResult<DataFrame> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        Err(PolarsError::SQLInterface("polars cannot answer this question; put it in another way".into()))
    })
}

/// The folder in which the folders of the tables are.
fn tables_of(folder: &Path) -> Result<PathBuf, Error> {
    let inner = folder.join("tables");
    let candidates = [inner.as_path(), folder];
    let Some(captures) = TABLES.first() else { return Err(Error::NoTables(String::new())) };
    for candidate in candidates {
        if !parquet::parts(candidate, captures).map_err(Error::Io)?.is_empty() {
            return Ok(candidate.to_owned());
        }
    }
    let is_text = |kind: &str| candidates.iter().any(|of| of.join(format!("{}.{kind}", captures.name)).is_file());
    let what = if is_text("csv") || is_text("jsonl") {
        "the tables are there as text; authtrail audit --resume --format parquet makes them anew for questions"
    } else {
        "no tables; name a folder that authtrail audit -o has made"
    };
    Err(Error::NoTables(format!("{}: {what}", folder.display())))
}

/// The parts of a table, read when polars asks for rows.
struct Source {
    parts: Vec<PathBuf>,
    schema: SchemaRef,
}

impl AnonymousScan for Source {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self, _: Option<usize>) -> PolarsResult<SchemaRef> {
        Ok(Arc::clone(&self.schema))
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }

    fn scan(&self, wanted: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let columns: Option<Vec<String>> =
            wanted.with_columns.map(|names| names.iter().map(|name| name.to_string()).collect());
        let mut whole: Option<DataFrame> = None;
        for part in &self.parts {
            let left = wanted.n_rows.map(|rows| rows.saturating_sub(whole.as_ref().map_or(0, DataFrame::height)));
            if whole.is_some() && left == Some(0) {
                break;
            }
            let frame = parquet::read(part, columns.clone(), left).map_err(PolarsError::from)?;
            match &mut whole {
                Some(whole) => drop(whole.vstack_mut(&frame)?),
                None => whole = Some(frame),
            }
        }
        Ok(whole.unwrap_or_default())
    }
}

/// An error of polars in words that say what to change.
fn explained(error: PolarsError, sql: &str, sources: &[(&Table, Arc<Schema>)]) -> Error {
    let message = message(&error);
    let tables = polars_sql::extract_table_identifiers(sql, false, true).unwrap_or_default();
    let is_column = matches!(root(&error), PolarsError::ColumnNotFound(_) | PolarsError::SchemaFieldNotFound(_))
        || message.starts_with("no column named ");
    if let Some(name) = quoted(&message).filter(|_| is_column) {
        let used = sources.iter().filter(|(table, _)| tables.iter().any(|name| name == table.name));
        let columns = used.flat_map(|(_, schema)| schema.iter_names()).map(|name| name.as_str());
        let meant = most_like(&name, columns).map(str::to_owned);
        return Error::UnknownColumn(name, meant);
    }
    let is_known = |name: &String| TABLES.iter().any(|table| table.name == name);
    match tables.iter().find(|name| !is_known(name) && message.contains(&format!("'{name}'"))) {
        Some(name) => Error::UnknownTable(name.clone(), most_like(name, TABLES.iter().map(|table| table.name))),
        None => Error::Sql(message),
    }
}

fn root(error: &PolarsError) -> &PolarsError {
    match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => root(error),
        error => error,
    }
}

/// The first line of what polars says, without the plan that may follow.
fn message(error: &PolarsError) -> String {
    let text = root(error).to_string();
    let line = text.lines().next().unwrap_or_default();
    escape::terminal(line.trim_start_matches("sql parser error: ")).into_owned()
}

/// The first name in quotation marks.
fn quoted(message: &str) -> Option<String> {
    let start = message.find(['"', '\'', '`'])?;
    let mark = message[start..].chars().next()?;
    let rest = &message[start + mark.len_utf8()..];
    rest.find(mark).map(|end| rest[..end].to_owned())
}

fn most_like<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = known.map(|known| (strsim::jaro_winkler(name, known), known));
    likeness.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.8).map(|(_, known)| known)
}
