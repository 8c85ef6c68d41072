//! Judges trails by the rule pages: verdicts, losses, cause, outcome.
//!
//! Does not read messages and does not choose words: the sentences are the pages'.

pub mod language;
