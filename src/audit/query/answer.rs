//! The answer to a question, and how it is written.

use std::io::{self, Write};

use polars_core::prelude::{AnyValue, Column, DataFrame, DataType, TimeUnit};
use serde_json::{Map, Number, Value};

use super::super::tables::text::no_formula;
use crate::evidence::Timestamp;
use crate::report::grid::{self, Head};
use crate::report::json;

/// Rows that are shown to a person.
const SHOWN: usize = 1000;

/// Rows with named columns.
#[derive(Debug)]
pub struct Answer(DataFrame);

impl Answer {
    pub(super) fn new(frame: DataFrame) -> Answer {
        Answer(frame)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.height()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as JSON: times as RFC 3339 in UTC, lists as arrays.
    pub fn rows(&self) -> impl Iterator<Item = Map<String, Value>> {
        (0..self.len()).map(|row| {
            self.0
                .columns()
                .iter()
                .map(|column| (column.name().to_string(), column.get(row).map_or(Value::Null, |value| data(&value))))
                .collect()
        })
    }

    /// One JSON array of objects.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::pretty(out, &self.rows().collect::<Vec<_>>())
    }

    /// One JSON object a line.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_jsonl(&self, out: &mut dyn Write) -> io::Result<()> {
        self.rows().try_for_each(|row| json::line(out, &row))
    }

    /// CSV as the tables have it: a line of names, null as an empty field, lists joined by blanks, no formulas.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.0.columns().iter().map(|column| no_formula(column.name())))?;
        for row in self.rows() {
            writer.write_record(row.values().map(|value| match value {
                Value::String(text) => no_formula(text),
                Value::Array(_) | Value::Object(_) => no_formula(&plain(value)),
                value => plain(value),
            }))?;
        }
        writer.flush()
    }

    /// The rows in columns, cut to `width` where one is given; of very many rows the first ones.
    pub fn render(&self, width: Option<usize>) -> String {
        let columns = self.0.columns();
        let heads: Vec<Head> = columns
            .iter()
            .map(|column| Head { name: column.name().to_string(), is_number: column.dtype().is_primitive_numeric() })
            .collect();
        let rows: Vec<Vec<String>> =
            (0..self.len().min(SHOWN)).map(|row| columns.iter().map(|column| shown(column, row)).collect()).collect();
        let mut text = grid::render(&heads, &rows, width);
        if self.len() > SHOWN {
            text.push_str(&format!("and {} more rows; --format csv, json or jsonl has all\n", self.len() - SHOWN));
        }
        text
    }
}

/// A value as a person reads it: times to the second, fractions to three digits.
fn shown(column: &Column, row: usize) -> String {
    let value = column.get(row).map_or(Value::Null, |value| data(&value));
    match (column.dtype(), &value) {
        (_, Value::Null) => "-".to_owned(),
        (DataType::Datetime(..), Value::String(time)) => match time.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => time.clone(),
        },
        (DataType::Float32 | DataType::Float64, Value::Number(number)) => {
            let text = format!("{:.3}", number.as_f64().unwrap_or_default());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A value of polars as JSON.
fn data(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(flag) => Value::Bool(*flag),
        AnyValue::String(text) => Value::String((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::String(text.to_string()),
        AnyValue::Float32(number) => real(f64::from(*number)),
        AnyValue::Float64(number) => real(*number),
        AnyValue::Datetime(time, unit, _) => point(*time, *unit),
        AnyValue::DatetimeOwned(time, unit, _) => point(*time, *unit),
        AnyValue::Date(days) => {
            let time = Timestamp(i64::from(*days).saturating_mul(86_400_000_000)).to_rfc3339();
            Value::String(time.split_once('T').map_or(time.clone(), |(day, _)| day.to_owned()))
        }
        AnyValue::List(items) => Value::Array(items.iter().map(|item| data(&item)).collect()),
        other => match other.extract::<i64>().filter(|_| other.is_integer()) {
            Some(number) => Value::Number(number.into()),
            None => match other.extract::<f64>() {
                Some(number) => real(number),
                None => Value::String(other.to_string()),
            },
        },
    }
}

/// JSON knows neither infinity nor what is no number.
fn real(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn point(time: i64, unit: TimeUnit) -> Value {
    let microseconds = match unit {
        TimeUnit::Nanoseconds => time.div_euclid(1000),
        TimeUnit::Microseconds => time,
        TimeUnit::Milliseconds => time.saturating_mul(1000),
    };
    Value::String(Timestamp(microseconds).to_rfc3339())
}
