//! Judges trails by the rule pages: verdicts, losses, cause, outcome.
//!
//! Does not read messages and does not choose words: the sentences are the pages'.

pub mod catalogue;
pub mod cause;
pub mod chain;
mod condition;
pub mod conformance;
pub mod diagnosis;
pub mod diagnostic;
pub mod evaluate;
mod form;
mod head;
pub mod judge;
pub mod language;
pub mod listing;
pub mod loss;
pub mod page;
mod path;
pub mod relation;
pub mod revision_diff;
pub mod rule_set;
pub mod slots;
mod table;
mod uri;
