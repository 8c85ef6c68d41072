//! Every integration test, in one binary: files beside files.

mod house;
