//! `authtrail query`: questions to the tables of an audit.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use authtrail::audit::query::{QUESTIONS, describe, question};
use authtrail::report::{json, terminal_width};
use clap::Args;
use serde::Serialize;

use super::arguments::{Common, Format};
use super::messages::did_you_mean;
use super::output::write_to;
use super::status::Status;

/// What to do where the feature is missing.
pub(crate) const BUILD: &str = "build one that does: cargo install --path . --features tables";

const MORE: &str = "\
The tables: captures, exchanges, trails, links, findings, values. --schema
describes their columns, --list names the ready-made questions; `authtrail query
DIR losses-by-client` asks one.

  authtrail query DIR \"SELECT client, COUNT(*) AS lost FROM trails
                       WHERE outcome = 'lost' GROUP BY client ORDER BY lost DESC\"";

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Query {
    /// Output folder of an audit
    #[arg(value_name = "DIR", required_unless_present_any = ["list", "schema"])]
    folder: Option<PathBuf>,
    /// SQL, or the name of a ready-made question
    #[arg(value_name = "QUESTION", required_unless_present_any = ["list", "schema"])]
    question: Option<String>,
    /// List the ready-made questions
    #[arg(long, conflicts_with_all = ["schema", "question"])]
    list: bool,
    /// Describe the tables and their columns
    #[arg(long, conflicts_with = "question")]
    schema: bool,
}

/// Runs the command.
pub(crate) fn run(of: &Query, common: &Common) -> anyhow::Result<Status> {
    if of.list {
        return list(common);
    }
    if of.schema {
        return schema(common);
    }
    let (Some(folder), Some(asked)) = (&of.folder, &of.question) else {
        bail!("name a folder and a question; --list names the ready-made ones");
    };
    ask(folder, sql(asked)?, common)
}

/// The SQL of a question. What has no blank in it can only be a name.
fn sql(asked: &str) -> anyhow::Result<&str> {
    match question(asked) {
        Some(question) => Ok(question.sql),
        None if asked.trim().contains(char::is_whitespace) => Ok(asked),
        None => {
            let like = did_you_mean(asked, QUESTIONS.iter().map(|question| question.name));
            let hint = if like.is_empty() { "; authtrail query --list names the ready-made ones" } else { &like };
            bail!("unknown question '{asked}'{hint}")
        }
    }
}

#[cfg(feature = "tables")]
fn ask(folder: &Path, sql: &str, common: &Common) -> anyhow::Result<Status> {
    use authtrail::audit::TableFormat;
    use authtrail::audit::query::query;

    let extension = common.output.as_deref().and_then(Path::extension);
    let is_csv = match common.format {
        Some(asked) => asked.report.is_none() && asked.table == Some(TableFormat::Csv),
        None => extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv")),
    };
    let format = if is_csv { None } else { Some(common.format().map_err(anyhow::Error::msg)?) };
    // Where polars panics, the error says so; its own message is of use to nobody.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let answer = query(folder, sql);
    std::panic::set_hook(hook);
    let answer = answer?;
    write(common, |out| match format {
        None => answer.write_csv(out),
        Some(Format::Json) => answer.write_json(out),
        Some(Format::Jsonl) => answer.write_jsonl(out),
        // For another program nothing is cut.
        Some(Format::Text) => {
            let width = authtrail::report::known_width().filter(|_| common.output.is_none());
            out.write_all(answer.render(width).as_bytes())
        }
    })
}

#[cfg(not(feature = "tables"))]
fn ask(_: &Path, _: &str, _: &Common) -> anyhow::Result<Status> {
    bail!("this build answers no questions; {BUILD}")
}

/// A ready-made question as data.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    sql: &'static str,
}

fn list(common: &Common) -> anyhow::Result<Status> {
    let format = common.format().map_err(anyhow::Error::msg)?;
    let listed: Vec<Listed> = QUESTIONS
        .iter()
        .map(|question| Listed { name: question.name, about: question.about(), sql: question.sql })
        .collect();
    write(common, |out| match format {
        Format::Json => json::pretty(out, &listed),
        Format::Jsonl => listed.iter().try_for_each(|question| json::line(out, question)),
        Format::Text => {
            let widest = listed.iter().map(|question| question.name.len()).max().unwrap_or_default();
            listed.iter().try_for_each(|question| writeln!(out, "{:widest$}  {}", question.name, question.about))
        }
    })
}

fn schema(common: &Common) -> anyhow::Result<Status> {
    let format = common.format().map_err(anyhow::Error::msg)?;
    write(common, |out| match format {
        Format::Text => out.write_all(describe(terminal_width()).as_bytes()),
        Format::Json => json::pretty(out, &authtrail::audit::rows::TABLES),
        Format::Jsonl => authtrail::audit::rows::TABLES.iter().try_for_each(|table| json::line(out, table)),
    })
}

fn write(common: &Common, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> anyhow::Result<Status> {
    let path = common.output.as_deref();
    write_to(path, fill)
        .with_context(|| path.map_or("standard output".to_owned(), |path| path.display().to_string()))?;
    Ok(Status::Good)
}
