//! All integration tests, in one binary.

mod judge;
mod pages;
mod rules;
mod verdicts;
