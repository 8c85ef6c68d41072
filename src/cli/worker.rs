//! `authtrail audit --worker`: a list of recordings into lines and parts, for an engine that spreads lists over machines.

use std::io;

use anyhow::{Context, bail};
use authtrail::audit;

use super::arguments::Common;
use super::audit::{Audit, capacity, options, stop_on_signal};
use super::files;
use super::status::Status;

/// Judges the recordings that are named on standard input.
pub(super) fn run(of: &Audit, common: &Common) -> anyhow::Result<Status> {
    if common.format.is_some() {
        bail!("a worker writes lines of JSON, and Parquet where it gets a folder; leave --format out");
    }
    let key = files::key(of.key.as_deref().context("a worker needs --key")?)?;
    let (options, stop) = (options(of, key)?, stop_on_signal()?);
    let (list, folder) = (io::stdin().lock(), common.output.as_deref());
    match audit::work(list, of.group_by.unwrap_or_default(), &options, capacity(of), &stop, io::stdout(), folder) {
        // What could not be judged stands in the lines; an engine takes any other status for a fault of the worker.
        Ok(true) => Ok(Status::Good),
        Ok(false) => Ok(Status::Stopped),
        // Who reads the lines has gone.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Status::Stopped),
        Err(error) => {
            Err(error).with_context(|| folder.map_or("worker".to_owned(), |folder| folder.display().to_string()))
        }
    }
}
