//! `authtrail audit`: many recordings into tables and one summary.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use authtrail::audit::baseline::Baseline;
use authtrail::audit::summary;
use authtrail::audit::{self, Capacity, Event, Folder, Found, Grouping, Options, Outcome, TableFormat, find};
use authtrail::report::{escape, json, terminal_width};
use authtrail::secret::FingerprintKey;
use authtrail::trail::schema::Revision;
use clap::Args;

use super::arguments::{Common, FailOn, Format, OwnRules, fail_on, named, size};
use super::files;
use super::messages::say;
use super::output::write_to;
use super::progress::Progress;
use super::status::Status;
use super::worker;

const MORE: &str = "\
Each recording is an incident of its own. Without -o, only the summary is made.
With -o DIR, the folder gets a journal with what is done, the tables and the
summary; a run that was stopped goes on with --resume. They tell of the
recordings that are named in the last run, and of no others. Key logs that lie
beside a packet capture (sslkeys.log, *.keylog) are used for it.

Ends with 1 where authorization was lost or a finding reaches --fail-on, with 2
where a recording could not be judged, with 130 where it was stopped.";

/// Arguments of `audit`.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Audit {
    /// Recordings, folders with recordings, patterns; `-` for a list of them on standard input, one a line
    #[arg(value_name = "PATH", required_unless_present_any = ["worker", "from_journal"])]
    paths: Vec<PathBuf>,
    /// `folder`: recordings in the same folder are one incident
    #[arg(long, value_name = "WHAT", value_parser = grouping)]
    pub(super) group_by: Option<Grouping>,
    /// Go on with what stands in the output folder: only what is new or changed is judged
    #[arg(long)]
    resume: bool,
    /// Print the recordings that would be judged, one path a line, and judge none
    #[arg(long, conflicts_with_all = ["worker", "resume", "from_journal", "group_by"])]
    list: bool,
    /// Read a list of paths on standard input and write a line of a journal for each; with -o also parts of the tables;
    /// needs --key
    #[arg(long, requires = "key", conflicts_with_all = ["paths", "resume", "from_journal"])]
    worker: bool,
    /// Make the tables from the lines that workers wrote; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "resume"])]
    from_journal: Vec<PathBuf>,
    /// What makes the exit status 1, beside a loss: error, warning, note; or loss, for a loss alone
    #[arg(long, value_name = "LEVEL", default_value = "error", hide_default_value = true, value_parser = fail_on)]
    fail_on: FailOn,
    /// Findings that are known and do not count
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what was found to this file as a baseline; reasons that stand in it already are kept
    #[arg(long, value_name = "FILE", conflicts_with = "worker")]
    write_baseline: Option<PathBuf>,
    /// Make fingerprints with the key in this file instead of one that is drawn for the output folder
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Key log for all packet captures, beside those that lie next to them; may be given several times
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
    /// Rules of your own
    #[command(flatten)]
    own: OwnRules,
    /// Judge by this revision, whatever the recordings say
    #[arg(long, value_name = "REVISION", value_parser = named("revisions", Revision::ALL, Revision::name))]
    assume_revision: Option<Revision>,
    /// Threads; all cores where not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<std::num::NonZero<usize>>,
    /// Memory that the recordings in work may take together, like 500M or 2G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<usize>,
    /// No summary
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Every row of the summary
    #[arg(long, short)]
    verbose: bool,
}

fn grouping(name: &str) -> Result<Grouping, String> {
    match name {
        "folder" => Ok(Grouping::Folder),
        "none" => Ok(Grouping::Alone),
        _ => Err("recordings are grouped by folder, or none".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(of: &Audit, common: &Common) -> anyhow::Result<Status> {
    if of.worker {
        return worker::run(of, common);
    }
    if of.list {
        return list(of, common);
    }
    let folder = common.output.as_ref().map(|path| Folder::new(path).with_context(|| path.display().to_string()));
    let folder = folder.transpose()?;
    if !of.from_journal.is_empty() {
        let folder = folder.context("--from-journal makes tables; pass -o FOLDER for them")?;
        let baseline = of.baseline.as_deref().map(Baseline::read).transpose()?;
        let (outcome, broken) = folder.merge(&of.from_journal, tables(common)?)?;
        if broken > 0 {
            say(&format!("{broken} lines are no lines of a journal; left out"));
        }
        return finish(of, common, outcome, baseline);
    }
    local(of, common, folder)
}

/// Prints what would be judged, for an engine that hands it out to workers.
fn list(of: &Audit, common: &Common) -> anyhow::Result<Status> {
    let found =
        find(&of.paths, Grouping::Alone, None, std::io::stdin().lock()).context("the list on standard input")?;
    tell_found(&found);
    // A program reads the names as they are; a person must not be misled by them.
    let is_shown = common.output.is_none() && std::io::stdout().is_terminal();
    write_to(common.output.as_deref(), |out| {
        found.jobs.iter().flat_map(|job| &job.paths).try_for_each(|path| {
            if is_shown {
                return writeln!(out, "{}", escape::terminal(&path.to_string_lossy()));
            }
            out.write_all(path.as_os_str().as_encoded_bytes())?;
            out.write_all(b"\n")
        })
    })
    .context("the list")?;
    Ok(Status::Good)
}

/// Judges recordings on this machine.
fn local(of: &Audit, common: &Common, folder: Option<Folder>) -> anyhow::Result<Status> {
    let format = tables(common)?;
    let baseline = of.baseline.as_deref().map(Baseline::read).transpose()?;
    if let Some(folder) = folder.as_ref().filter(|folder| folder.is_begun() && !of.resume) {
        let there = folder.journal();
        bail!("{}: holds an audit already; pass --resume to go on with it, or name another folder", there.display());
    }
    if of.resume && folder.is_none() {
        bail!("--resume goes on with an output folder; name it with -o");
    }
    let key = match (&of.key, &folder) {
        (Some(path), _) => files::key(path)?,
        (None, Some(folder)) => folder.key().context("the key of the output folder")?,
        (None, None) => audit::draw_key()?,
    };
    let options = options(of, key)?;
    let except = common.output.as_deref();
    let found = find(&of.paths, of.group_by.unwrap_or_default(), except, std::io::stdin().lock())
        .context("the list on standard input")?;
    tell_found(&found);
    let stop = stop_on_signal()?;
    let progress = Progress::new(&found.jobs);
    let tell = |event: Event| progress.done(&event);
    let outcome = match &folder {
        Some(folder) => folder.audit(found.jobs, &options, capacity(of), format, &stop, &tell),
        None => audit::summarise(found.jobs, &options, capacity(of), &stop, &tell),
    };
    progress.end();
    let outcome = outcome.with_context(|| except.map_or("audit".to_owned(), |path| path.display().to_string()))?;
    if outcome.left > 0 {
        let how = if folder.is_some() { "; --resume goes on from here, the tables are made then" } else { "" };
        say(&format!("stopped with {} incidents left{how}", outcome.left));
    }
    finish(of, common, outcome, baseline)
}

/// Holds what was found against the baseline, writes a new one, prints the summary.
fn finish(of: &Audit, common: &Common, outcome: Outcome, baseline: Option<Baseline>) -> anyhow::Result<Status> {
    let (mut summary, is_stopped) = (outcome.summary, outcome.left > 0);
    summary.baseline = baseline.as_ref().map(|baseline| baseline.assess(&outcome.standing));
    if let Some(path) = of.write_baseline.as_deref() {
        if is_stopped {
            bail!("{}: not written, since the audit was stopped", path.display());
        }
        let before = if path.exists() { Baseline::read(path)? } else { Baseline::default() };
        before.renewed(&outcome.standing).write(path)?;
    }
    let summary = &summary;
    let format = common.format.and_then(|asked| asked.report.filter(|_| asked.table.is_none()));
    write_to(None, |out| match format {
        _ if of.quiet => Ok(()),
        Some(Format::Json) => json::pretty(out, summary),
        _ => out.write_all(summary::render(summary, terminal_width(), of.verbose).as_bytes()),
    })
    .context("standard output")?;
    Ok(if is_stopped { Status::Stopped } else { Status::of_summary(summary, of.fail_on) })
}

pub(super) fn options(of: &Audit, key: FingerprintKey) -> anyhow::Result<Options<'static>> {
    let mut options = Options::new(files::rule_set(&of.own)?, key);
    (options.read.keylogs, options.read.keylog_from_environment) = files::keylogs(&of.keylog)?;
    options.assume_revision = of.assume_revision;
    Ok(options)
}

pub(super) fn capacity(of: &Audit) -> Capacity {
    let mut capacity = Capacity::default();
    capacity.threads = of.threads.map_or(capacity.threads, usize::from);
    capacity.bytes = of.max_memory.map_or(capacity.bytes, |octets| octets as u64);
    capacity
}

/// The format of the tables.
fn tables(common: &Common) -> anyhow::Result<TableFormat> {
    match common.format {
        None => Ok(TableFormat::preferred()),
        Some(asked) => match (asked.table, asked.report) {
            (Some(format), _) => Ok(format),
            // That of the summary.
            (None, Some(Format::Text | Format::Json)) => Ok(TableFormat::preferred()),
            _ => bail!("tables have no such format"),
        },
    }
}

/// Says what was passed over.
fn tell_found(found: &Found) {
    found.unlisted.iter().for_each(|problem| say(problem));
    if found.other_files > 0 {
        let plural = if found.other_files == 1 { "file is" } else { "files are" };
        say(&format!("{} {plural} no recording; passed over", found.other_files));
    }
}

/// A flag that Ctrl-C and SIGTERM set; the second one ends the process at once.
pub(super) fn stop_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    silence_workers();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Status::Stopped as i32);
        }
    })
    .context("signals")?;
    Ok(stop)
}

/// A fault in one recording is told in its row; the trace of the thread that it happens on says no more.
fn silence_workers() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_worker = std::thread::current().name().is_some_and(|name| name.starts_with(audit::THREADS));
        if !is_worker {
            hook(panic);
        }
    }));
}
