//! Judges many recordings, in parallel, into tables.
//!
//! | file | does |
//! |---|---|
//! | [`judge`](judge()) | one incident: bytes or files in, rows out |
//! | [`rows`] | the six tables and their columns |
//! | `collect`, `custody` | make the rows from the report and from what was reconstructed |
//! | `tables` | the rows as CSV, JSON lines, Parquet |
//! | [`query`] | SQL over the tables, and ready-made questions |
//! | [`work`](work()) | a list of recordings into lines and parts, for an engine that spreads lists over machines |
//! | [`compare`], [`baseline`] | what is new since another audit; what is known and does not count |
//!
//! Uses the rooms as they are; decides nothing about any recording.

pub mod baseline;
mod collect;
pub mod columns;
pub mod compare;
mod custody;
mod folder;
mod inputs;
mod journal;
mod judge;
pub mod query;
pub mod rows;
mod run;
pub mod standing;
pub mod summary;
mod tables;
mod work;
mod worker;

pub use folder::{Folder, Outcome, draw_key, summarise};
pub use inputs::{Found, Grouping, Job, find};
pub use journal::Journal;
pub use judge::{Judged, Options, SCHEMA, judge, judge_files};
pub use run::Event;
pub use tables::TableFormat;
pub use work::{Capacity, THREADS};
pub use worker::work;
