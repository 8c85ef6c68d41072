//! The integration tests, one binary.

mod expected;
mod report_fixtures;
mod report_text;
