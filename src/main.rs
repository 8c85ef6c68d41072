//! The command line.

mod cli;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use authtrail::Options;
use authtrail::check::language::Page;
use authtrail::report::{exchanges, json, page, rule_index, terminal_width, text};
use authtrail::secret::FingerprintKey;
use cli::arguments::{self, Arguments, Command, Common, Diagnose, Explain, Files, Format};
use cli::messages::{did_you_mean, problem, say, usage};
use cli::output::write_to;
use cli::status::Status;

fn main() -> ExitCode {
    let status = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => run(&arguments).unwrap_or_else(|error| {
            say(&format!("{error:#}"));
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
        Command::Rules(_) => rules(common),
        Command::Explain(of) => explain(of, common),
    }
}

fn diagnose(of: &Diagnose, common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let mut options = Options { assume_revision: of.assume_revision, ..options(&of.files)? };
    options.read.sha256 = of.sha256;
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
    let options = options(of)?;
    let listing = authtrail::list(&of.files, &options);
    let mut status = Status::Good;
    for capture in &listing.captures {
        let path = capture.path.display().to_string();
        capture.problems.iter().for_each(|of| problem(&path, &of.into()));
        status = status.max(if capture.usable { Status::Good } else { Status::Unusable });
    }
    let rows = exchanges::rows(&listing.incident, (!options.show_secrets).then_some(&listing.key));
    write(common, |out| match format {
        Format::Text => out.write_all(exchanges::render(&rows, width(common)).as_bytes()),
        Format::Json => json::pretty(out, &rows),
        Format::Jsonl => rows.iter().try_for_each(|row| json::line(out, row)),
    })?;
    Ok(status)
}

fn rules(common: &Common) -> anyhow::Result<Status> {
    let format = format(common)?;
    let pages = rule_pages();
    let rows = rule_index::rows(&pages);
    write(common, |out| match format {
        Format::Text => out.write_all(rule_index::render(&rows, width(common)).as_bytes()),
        Format::Json => json::pretty(out, &rows),
        Format::Jsonl => rows.iter().try_for_each(|row| json::line(out, row)),
    })?;
    Ok(Status::Good)
}

fn explain(of: &Explain, common: &Common) -> anyhow::Result<Status> {
    let pages = rule_pages();
    let Some(found) = pages.iter().find(|page| page.slug == of.rule) else {
        let like = did_you_mean(&of.rule, pages.iter().map(|page| page.slug.as_str()));
        let like = if like.is_empty() { "; authtrail rules lists them".to_owned() } else { like };
        bail!("unknown rule '{}'{like}", of.rule);
    };
    if format(common)? != Format::Text {
        bail!("explain prints text; authtrail rules --format json has the rules as data");
    }
    write(common, |out| out.write_all(page::render(&found.source, width(common)).as_bytes()))?;
    Ok(Status::Good)
}

// SEAM: to be replaced by the embedded rule set.
fn rule_pages() -> Vec<Page> {
    Vec::new()
}

fn format(common: &Common) -> anyhow::Result<Format> {
    common.format().map_err(anyhow::Error::msg)
}

/// Columns of a text: those of the terminal; a file gets 80.
fn width(common: &Common) -> usize {
    if common.output.is_some() { 80 } else { terminal_width() }
}

fn options(of: &Files) -> anyhow::Result<Options> {
    let mut options = Options { key: of.key.as_deref().map(key).transpose()?, ..Options::default() };
    options.show_secrets = of.show_secrets;
    if let Some(octets) = of.max_memory {
        options.read.limits.memory = octets;
    }
    Ok(options)
}

fn key(path: &Path) -> anyhow::Result<FingerprintKey> {
    let content = std::fs::read(path).with_context(|| path.display().to_string())?;
    // A key that everybody can guess lets everybody test guesses against the fingerprints.
    if content.len() < 16 {
        bail!("{}: a key has at least 16 octets, this file has {}", path.display(), content.len());
    }
    Ok(FingerprintKey::from_file_content(&content))
}

fn write(common: &Common, fill: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> anyhow::Result<()> {
    let path = common.output.as_deref();
    write_to(path, fill).with_context(|| path.map_or("standard output".to_owned(), |path| path.display().to_string()))
}
