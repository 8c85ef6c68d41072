//! How a table is described: one static description per column, declared once together with the type of its rows.

use serde::{Deserialize, Serialize};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// UTF-8 text on one line: characters that act on a terminal are escaped.
    Text,
    /// Whole number, 64 bits, signed.
    Integer,
    /// True or false.
    Flag,
    /// Texts, in order; empty where there is none. A list in Parquet and JSON lines, joined by blanks in CSV.
    Texts,
    /// A point in time: microseconds since 1970-01-01T00:00:00Z. In CSV and JSON lines RFC 3339, UTC.
    Time,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Column {
    /// Its name: a promise, never changed.
    pub name: &'static str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// The unit; `None` for texts, flags and times.
    pub unit: Option<&'static str>,
    /// What it says.
    pub about: &'static str,
    /// What null means; `None` where null never stands there.
    pub null: Option<&'static str>,
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: the column says what that means.
    Null,
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Flag(bool),
    /// Texts, in order.
    Texts(&'a [String]),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
}

/// A point in time as a column holds it: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// A row of a table.
pub trait Row: Serialize + for<'de> Deserialize<'de> {
    /// Name of the table, of its file and of its SQL table.
    const TABLE: &'static str;
    /// What the table holds, one sentence.
    const ABOUT: &'static str;
    /// Its columns, in order.
    const COLUMNS: &'static [Column];

    /// The values, as many as there are columns and in their order.
    fn cells(&self) -> Vec<Cell<'_>>;
}

/// A type whose values stand in a column.
pub(super) trait ToCell {
    /// The value.
    fn to_cell(&self) -> Cell<'_>;
}

impl ToCell for String {
    fn to_cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl ToCell for i64 {
    fn to_cell(&self) -> Cell<'_> {
        Cell::Integer(*self)
    }
}

impl ToCell for bool {
    fn to_cell(&self) -> Cell<'_> {
        Cell::Flag(*self)
    }
}

impl ToCell for Vec<String> {
    fn to_cell(&self) -> Cell<'_> {
        Cell::Texts(self)
    }
}

impl ToCell for Time {
    fn to_cell(&self) -> Cell<'_> {
        Cell::Time(self.0)
    }
}

impl<T: ToCell> ToCell for Option<T> {
    fn to_cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, ToCell::to_cell)
    }
}

/// Declares the type of the rows of a table: `column: Type [unit] null "what null means", "what it says";`.
macro_rules! table {
    ($(#[doc = $doc:literal])* $name:ident = $table:literal, $about:literal {
        $($column:ident: $kind:ident $([$unit:literal])? $(null $null:literal)?, $says:literal;)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $(
                #[doc = $says]
                $(#[doc = concat!("\n\n`None`: ", $null, ".")]
                #[serde(default, skip_serializing_if = "Option::is_none")])?
                pub $column: table!(@type $kind $($null)?),
            )*
        }

        impl Row for $name {
            const TABLE: &'static str = $table;
            const ABOUT: &'static str = $about;
            const COLUMNS: &'static [Column] = &[$(Column {
                name: stringify!($column),
                kind: ColumnType::$kind,
                unit: table!(@maybe $($unit)?),
                about: $says,
                null: table!(@maybe $($null)?),
            },)*];

            fn cells(&self) -> Vec<Cell<'_>> {
                vec![$(self.$column.to_cell(),)*]
            }
        }
    };
    (@type $kind:ident $null:literal) => { Option<table!(@type $kind)> };
    (@type Text) => { String };
    (@type Integer) => { i64 };
    (@type Flag) => { bool };
    (@type Texts) => { Vec<String> };
    (@type Time) => { Time };
    (@maybe) => { None };
    (@maybe $text:literal) => { Some($text) };
}
pub(super) use table;
