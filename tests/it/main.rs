//! Every integration test, in one binary: files beside files.

mod house;
mod labelled;
mod run;
mod stories;
