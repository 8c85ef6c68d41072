//! Judges many recordings, in parallel, into tables.
//!
//! | file | does |
//! |---|---|
//! | [`judge`](judge()) | one incident: bytes or files in, rows out |
//! | [`rows`] | the six tables and their columns |
//! | `collect`, `custody` | make the rows from the report and from what was reconstructed |
//!
//! Uses the rooms as they are; decides nothing about any recording.

mod collect;
pub mod columns;
mod custody;
mod judge;
pub mod rows;

pub use judge::{Judged, Options, SCHEMA, judge, judge_files};
