//! `authtrail record`: the ways of recording.

use clap::Subcommand;

use super::arguments::Common;
use super::interface::{self, Interface};
use super::status::Status;

/// How to record.
#[derive(Debug, Subcommand)]
pub(crate) enum Record {
    /// Record the packets of a network device
    Interface(Interface),
}

/// Records.
pub(crate) fn run(of: &Record, common: &Common) -> anyhow::Result<Status> {
    match of {
        Record::Interface(of) => interface::run(of, common),
    }
}
