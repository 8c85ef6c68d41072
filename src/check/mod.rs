//! Judges trails by the rule pages: verdicts, losses, cause, outcome.
//!
//! Does not read messages and does not choose words: the sentences are the pages'.

pub mod catalogue;
mod condition;
pub mod diagnostic;
mod head;
pub mod language;
pub mod page;
mod path;
pub mod rule_set;
mod table;
