//! `authtrail diff-revisions A B`: what changes for each party.

use authtrail::report::{json, revision_diff};
use authtrail::trail::schema::{Party, Revision};
use clap::Args;

use super::arguments::{Common, Format, OwnRules, named};
use super::files::rule_set;
use super::status::Status;
use crate::{format, width, write};

/// Arguments of `diff-revisions`.
#[derive(Debug, Args)]
pub(crate) struct DiffRevisions {
    /// The revision from which one comes
    #[arg(value_name = "FROM", value_parser = named("revisions", Revision::ALL, Revision::name))]
    pub(crate) from: Revision,
    /// The revision to which one goes
    #[arg(value_name = "TO", value_parser = named("revisions", Revision::ALL, Revision::name))]
    pub(crate) to: Revision,
    /// Only what changes for this party
    #[arg(long, value_name = "PARTY", value_parser = named("parties", Party::ALL, Party::name))]
    pub(crate) party: Option<Party>,
    /// Rules of your own
    #[command(flatten)]
    pub(crate) own: OwnRules,
}

/// Prints the difference.
pub(crate) fn run(of: &DiffRevisions, common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let diff = rule_set(&of.own)?.diff(of.from, of.to, of.party);
    write(common, |out| match format {
        Format::Text => out.write_all(revision_diff::render(&diff, width(common)).as_bytes()),
        Format::Json => json::pretty(out, &diff),
        Format::Jsonl => {
            let changes = diff.parties.iter().flat_map(|party| &party.changes);
            changes.into_iter().try_for_each(|change| json::line(out, change))
        }
    })?;
    Ok(Status::Good)
}
