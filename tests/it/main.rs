//! Every integration test, in one binary: files beside files.

mod cli;
mod formats;
mod hostile;
mod house;
mod labelled;
mod pages;
mod report;
mod rules;
mod run;
mod stories;
mod verdicts;
