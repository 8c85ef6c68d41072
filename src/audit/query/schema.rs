//! The tables and their columns, described for people.

use std::fmt::Write as _;

use super::super::columns::{Column, ColumnType};
use super::super::rows::TABLES;

const HEAD: &str = "\
# The tables of an audit

Six tables, joined by ids: every id of a recording, trail, finding or value begins with that of its incident. Columns
are added, never renamed or removed. No column holds a secret: values are fingerprints under the key of the audit.

| type | in Parquet | in JSON lines | in CSV |
|---|---|---|---|
| text | string, UTF-8 | string | as it is; `'` before what a spreadsheet would take for a formula |
| integer | int64 | number | digits |
| flag | boolean | `true`, `false` | `true`, `false` |
| texts | list of strings | array of strings | joined by blanks |
| time | timestamp, microseconds, UTC | RFC 3339, UTC, microseconds | the same |

Null is a missing member in JSON lines and an empty field in CSV.
";

/// The tables and columns as Markdown that is also readable on a terminal, in lines of `width` columns at most.
pub fn describe(width: usize) -> String {
    let mut text = HEAD.to_owned();
    for table in &TABLES {
        let _ = write!(text, "\n## {}\n\n{}\n\n", table.name, filled(table.about, width, ""));
        for column in table.columns {
            let _ = writeln!(text, "{}", filled(&line(column), width, "  "));
        }
    }
    text
}

fn line(column: &Column) -> String {
    let kind = match column.kind {
        ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::Flag => "flag",
        ColumnType::Texts => "texts",
        ColumnType::Time => "time",
    };
    let unit = column.unit.map(|unit| format!(", {unit}")).unwrap_or_default();
    let null = column.null.map(|null| format!(" Null: {null}.")).unwrap_or_default();
    format!("- `{}` ({kind}{unit}): {}{null}", column.name, column.about)
}

fn filled(text: &str, width: usize, indent: &str) -> String {
    textwrap::fill(text, textwrap::Options::new(width).subsequent_indent(indent).break_words(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_every_table_is_described_once_in_lower_case() {
        let text = describe(120);
        for table in &TABLES {
            let mut names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{}: a name stands twice", table.name);
            for column in table.columns {
                assert!(text.contains(&format!("- `{}` (", column.name)));
                assert!(column.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            }
        }
    }
}
