//! Integration tests: files beside files. One binary, since linking costs more than running.

mod cli;
mod expected;
mod formats;
mod hostile;
mod readme;
mod report_fixtures;
mod report_text;
mod walk;
