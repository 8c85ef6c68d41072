//! `authtrail record`: makes recordings.

use clap::{Args, Subcommand};

use super::arguments::Common;
use super::interface::{self, Interface};
use super::proxy::{self, Proxy};
use super::run::{self, Run};
use super::status::Status;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Where to record
    #[command(subcommand)]
    what: What,
}

/// Where to record.
#[derive(Debug, Subcommand)]
enum What {
    /// Between a client and its servers, as a proxy
    #[command(after_help = proxy::HELP)]
    Proxy(Proxy),
    /// At a network device
    Interface(Interface),
    /// Through a proxy, while a command runs; diagnose when it ends
    #[command(after_help = run::HELP)]
    Run(Run),
}

/// Runs it.
pub(crate) fn run(of: &Record, common: &Common) -> anyhow::Result<Status> {
    match &of.what {
        What::Proxy(of) => proxy::run(of, common),
        What::Interface(of) => interface::run(of, common),
        What::Run(of) => run::run(of, common),
    }
}
