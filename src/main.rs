//! The command line.

mod cli;

use std::process::ExitCode;

use anyhow::{Context, bail};
use authtrail::Options;
use authtrail::check::listing::Filter;
use authtrail::decode::ReadOptions;
use authtrail::report::{exchanges, json, known_width, rule_index, terminal_width, text};
use cli::arguments::{self, Arguments, Command, Common, Diagnose, Explain, Files, Format, Rules};
use cli::messages::{did_you_mean, problem, say, say_lines, usage};
use cli::output::write_to;
use cli::status::Status;

/// A recording becomes millions of small values, made on one thread and dropped on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let status = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => run(&arguments).unwrap_or_else(|error| {
            say_lines(&format!("{error:#}"));
            Status::Unusable
        }),
        Err(error) => {
            usage(&error);
            if error.use_stderr() { Status::Unusable } else { Status::Good }
        }
    };
    status.into()
}

fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let common = &arguments.common;
    match &arguments.command {
        Command::Diagnose(of) => diagnose(of, common),
        Command::Exchanges(of) => exchanges(of, common),
        Command::Rules(of) => rules(of, common),
        Command::Explain(of) => explain(of, common),
        Command::DiffRevisions(of) => cli::diff_revisions::run(of, common),
        Command::Audit(of) => cli::audit::run(of, common),
        Command::Query(of) => cli::query::run(of, common),
        Command::Compare(of) => cli::compare::run(of, common),
        Command::Record(of) => cli::record::run(of, common),
    }
}

fn diagnose(of: &Diagnose, common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let mut options = Options::new(cli::files::rule_set(&of.own)?);
    options.read = ReadOptions { sha256: of.sha256, ..read_options(&of.files)? };
    options.key = of.files.key.as_deref().map(cli::files::key).transpose()?;
    options.show_secrets = of.files.show_secrets;
    options.assume_revision = of.assume_revision;
    let report = authtrail::diagnose(&of.files.files, &options);
    for capture in report.captures.iter().filter(|capture| !capture.usable) {
        capture.problems.iter().for_each(|of| problem(&capture.path, of));
    }
    mistyped_command(&of.files);
    let layout = text::TextOptions { width: width(common), quiet: of.quiet, verbose: of.verbose };
    // Where nothing could be opened, the messages have said all there is.
    let readable = report.captures.iter().any(|capture| capture.usable);
    write(common, |out| match format {
        Format::Text if !readable => Ok(()),
        Format::Text => out.write_all(text::render(&report, layout).as_bytes()),
        Format::Json => json::pretty(out, &report),
        Format::Jsonl => json::line(out, &report),
    })?;
    Ok(Status::of(&report, of.fail_on))
}

/// `authtrail exchange login.har` reads as a list of files.
fn mistyped_command(of: &Files) {
    if let Some(first) = of.files.first().filter(|first| !first.exists()).and_then(|first| first.to_str()) {
        let like = did_you_mean(first, arguments::commands().iter().map(String::as_str));
        if !like.is_empty() {
            say(&format!("'{first}' is no command{like}"));
        }
    }
}

fn exchanges(of: &Files, common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let listing =
        authtrail::list(&of.files, &read_options(of)?, of.key.as_deref().map(cli::files::key).transpose()?.as_ref());
    let mut status = Status::Good;
    for capture in &listing.captures {
        let path = capture.path.display().to_string();
        capture.problems.iter().for_each(|of| problem(&path, &of.into()));
        status = status.max(if capture.usable { Status::Good } else { Status::Unusable });
    }
    let rows = exchanges::rows(&listing.incident, (!of.show_secrets).then_some(&listing.key));
    write(common, |out| match format {
        // For another program nothing is cut.
        Format::Text => {
            out.write_all(exchanges::render(&rows, known_width().filter(|_| common.output.is_none())).as_bytes())
        }
        Format::Json => json::pretty(out, &rows),
        Format::Jsonl => rows.iter().try_for_each(|row| json::line(out, row)),
    })?;
    Ok(status)
}

fn rules(of: &Rules, common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let rules = cli::files::rule_set(&of.own)?;
    let filter = Filter {
        link: of.link,
        party: of.party,
        revision: of.revision,
        keyword: of.keyword,
        family: of.family,
        ..Filter::default()
    };
    let list = rules.list(&filter);
    write(common, |out| match format {
        Format::Text => out.write_all(rule_index::render(&list, width(common)).as_bytes()),
        Format::Json => json::pretty(out, &list),
        Format::Jsonl => list.iter().try_for_each(|rule| json::line(out, rule)),
    })?;
    Ok(Status::Good)
}

fn explain(of: &Explain, common: &Common) -> anyhow::Result<Status> {
    let rules = cli::files::rule_set(&of.own)?;
    let Some(id) = rules.by_slug(&of.rule) else {
        let like = rules.suggest(&of.rule).map(|slug| format!("did you mean '{slug}'?"));
        bail!("unknown rule '{}'; {}", of.rule, like.as_deref().unwrap_or("authtrail rules lists them"));
    };
    let format = format(common)?;
    let listed =
        rules.list(&Filter::default()).into_iter().find(|rule| rule.slug == of.rule).context("a listed rule")?;
    let explained = rule_index::Explained::new(&listed, rules.page(id));
    write(common, |out| match format {
        Format::Text => out.write_all(rule_index::explain(&explained, width(common)).as_bytes()),
        Format::Json => json::pretty(out, &explained),
        Format::Jsonl => json::line(out, &explained),
    })?;
    Ok(Status::Good)
}

fn format(common: &Common) -> anyhow::Result<Format> {
    common.format().map_err(anyhow::Error::msg)
}

/// Columns of a text: those of the terminal; a file gets 80.
fn width(common: &Common) -> usize {
    if common.output.is_some() { 80 } else { terminal_width() }
}

fn read_options(of: &Files) -> anyhow::Result<ReadOptions> {
    let (keylogs, keylog_from_environment) = cli::files::keylogs(&of.keylog)?;
    let mut options = ReadOptions { keylogs, keylog_from_environment, ..ReadOptions::default() };
    if let Some(octets) = of.max_memory {
        options.limits.memory = octets;
    }
    Ok(options)
}

fn write(common: &Common, fill: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> anyhow::Result<()> {
    let path = common.output.as_deref();
    write_to(path, fill).with_context(|| path.map_or("standard output".to_owned(), |path| path.display().to_string()))
}
