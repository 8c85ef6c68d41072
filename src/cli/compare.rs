//! `authtrail compare`: what is new, gone, worse and better between two audits.

use std::path::PathBuf;

use anyhow::{Context, bail};
use authtrail::audit::compare::{self, Comparison};
use authtrail::audit::standing::Standing;
use authtrail::check::language::Level;
use authtrail::report::{json, terminal_width};
use clap::Args;

use super::arguments::{Common, FailOn, Format, fail_on};
use super::messages::say;
use super::output::write_to;
use super::status::Status;

const MORE: &str = "\
Compares by the keys of findings: rule, party, server, field. A finding is gone
only where the later audit saw its server. Servers whose address holds a secret
have the same key in two audits only where both were made with the same --key.

Ends with 1 where the later audit lost authorization or has a finding of the
level of --fail-on; with --fail-on new-error only where that is new.";

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Compare {
    /// Output folder, or journal, of the earlier audit
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// Output folder, or journal, of the later audit
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// What makes the exit status 1: new-error; or error, warning, note, loss, as the later audit has it
    #[arg(long, value_name = "LEVEL", default_value = "error", hide_default_value = true, value_parser = fail)]
    fail_on: Fail,
    /// Every difference
    #[arg(long, short)]
    verbose: bool,
}

/// What makes the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fail {
    /// What the later audit has.
    On(FailOn),
    /// What the later audit has and the earlier one had not.
    NewError,
}

fn fail(name: &str) -> Result<Fail, String> {
    match name {
        "new-error" => Ok(Fail::NewError),
        name => fail_on(name).map(Fail::On).map_err(|message| format!("{message}; and new-error")),
    }
}

/// Runs the command.
pub(crate) fn run(of: &Compare, common: &Common) -> anyhow::Result<Status> {
    let format = common.format().map_err(anyhow::Error::msg)?;
    let (before, after) = (read(&of.before)?, read(&of.after)?);
    let names = [&of.before, &of.after].map(|path| path.display().to_string());
    let comparison = compare::compare((&names[0], &before), (&names[1], &after));
    let path = common.output.as_deref();
    write_to(path, |out| match format {
        Format::Json => json::pretty(out, &comparison),
        Format::Jsonl => json::line(out, &comparison),
        Format::Text => {
            let width = if path.is_some() { 80 } else { terminal_width() };
            out.write_all(compare::render(&comparison, width, of.verbose).as_bytes())
        }
    })
    .with_context(|| path.map_or("standard output".to_owned(), |path| path.display().to_string()))?;
    Ok(if fails(of.fail_on, &comparison, &after) { Status::Found } else { Status::Good })
}

fn read(path: &std::path::Path) -> anyhow::Result<Standing> {
    let standing = Standing::read(path)?;
    if standing.incidents == 0 {
        bail!("{}: nothing was judged there", path.display());
    }
    if standing.broken > 0 {
        say(&format!("{}: {} lines are no lines of a journal; left out", path.display(), standing.broken));
    }
    Ok(standing)
}

fn fails(fail: Fail, comparison: &Comparison, after: &Standing) -> bool {
    let least = match fail {
        Fail::NewError => return comparison.has_new_error(),
        Fail::On(FailOn::Loss) => return after.lost > 0,
        Fail::On(FailOn::Error) => Level::Error,
        Fail::On(FailOn::Warning) => Level::Warning,
        Fail::On(FailOn::Note) => Level::Note,
    };
    after.lost > 0 || after.keys.values().any(|found| found.level >= least)
}
