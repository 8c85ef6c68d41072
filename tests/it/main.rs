//! Integration tests: files beside files. One binary, since linking costs more than running.

mod formats;
mod hostile;
mod walk;
mod withheld;
