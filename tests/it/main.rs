//! Every integration test, in one binary: files beside files.

mod house;
mod labelled;
mod pages;
mod run;
mod stories;
