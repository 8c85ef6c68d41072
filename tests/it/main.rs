//! All integration tests, in one binary.

mod pages;
mod rules;
mod verdicts;
