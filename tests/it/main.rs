//! The integration tests, one binary.

mod cli;
mod expected;
mod readme;
mod report_fixtures;
mod report_text;
