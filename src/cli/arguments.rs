//! The arguments, as types.

use std::ffi::OsString;
use std::path::PathBuf;

use authtrail::audit::TableFormat;
use authtrail::check::language::{Family, Keyword};
use authtrail::trail::schema::{Link, Party, Revision};
use clap::{Args, CommandFactory, Parser, Subcommand};

use super::diff_revisions::DiffRevisions;
use super::implied;

/// What the help says of the whole.
const ABOUT: &str = "\
Says from a recording of the traffic where MCP authorization was lost: at which
of twelve links, who must change what, and what proves it. Works offline.";

const EXAMPLES: &str = "\
Examples:
  authtrail login.har                     the verdict on one recording
  authtrail browser.har client.har        one incident, recorded at two places
  authtrail exchanges login.har           what was found in it
  authtrail login.har -o verdict.json     the same as data
  authtrail explain token-not-attached    a rule in full

Exit status:
  0  no loss, no error    1  authorization lost, or a broken duty of level error
  2  wrong usage, or a file that could not be opened or recognised";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "authtrail", version, about = ABOUT, after_help = EXAMPLES)]
#[command(override_usage = "authtrail [diagnose] [OPTIONS] FILE...\n       authtrail COMMAND [OPTIONS] ...")]
#[command(arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say where authorization was lost (also without the word: authtrail FILE...)
    #[command(after_help = "Several files are one incident. `-` reads a recording from standard input.")]
    Diagnose(Diagnose),
    /// List the HTTP exchanges that were found
    Exchanges(Files),
    /// List the rules
    Rules(Rules),
    /// Print a rule in full
    Explain(Explain),
    /// Show what changes between two revisions, party by party
    DiffRevisions(DiffRevisions),
    /// Judge many recordings, in parallel, into tables
    Audit(super::audit::Audit),
    /// Ask the tables of an audit, in SQL or by the name of a ready-made question
    Query(super::query::Query),
    /// Say what is new, gone, worse and better between two audits
    Compare(super::compare::Compare),
    /// Make a recording
    Record(super::record::Record),
}

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// Recordings of one incident
    #[command(flatten)]
    pub(crate) files: Files,
    /// Rules of your own
    #[command(flatten)]
    pub(crate) own: OwnRules,
    /// What makes the exit status 1, beside a loss: error, warning, note; or loss, for a loss alone
    #[arg(long, value_name = "LEVEL", default_value = "error", hide_default_value = true, value_parser = fail_on)]
    pub(crate) fail_on: FailOn,
    /// Judge by this revision, whatever the recording says
    #[arg(long, value_name = "REVISION", value_parser = named("revisions", Revision::ALL, Revision::name))]
    pub(crate) assume_revision: Option<Revision>,
    /// Add the SHA-256 digest of each recording
    #[arg(long)]
    pub(crate) sha256: bool,
    /// Verdict lines only
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Notes, healthy clients and long lists as well
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Recordings, and how to read them.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Recordings of one incident (HAR, pcap, pcapng); `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Show secrets instead of fingerprints
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// Make fingerprints with the key in this file, so that several runs compare
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Key log of the TLS connections in packet captures (NSS format); may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,
    /// Most memory for a compressed recording or standard input, like 500M or 2G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_memory: Option<usize>,
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// Only those reported at this link
    #[arg(long, value_name = "LINK", value_parser = named("links", Link::ALL, Link::name))]
    pub(crate) link: Option<Link>,
    /// Only those where this party must change
    #[arg(long, value_name = "PARTY", value_parser = named("parties", Party::ALL, Party::name))]
    pub(crate) party: Option<Party>,
    /// Only those that are a MUST, MUST NOT, SHOULD, SHOULD NOT; prose, derived; none: a fact
    #[arg(long, value_name = "KEYWORD", value_parser = named("keywords", Keyword::ALL, Keyword::name))]
    pub(crate) keyword: Option<Keyword>,
    /// Only those of this family: transport-framing, session-lifecycle, authorization-flow, backward-compatibility
    #[arg(long, value_name = "FAMILY", value_parser = named("families", Family::ALL, Family::name))]
    pub(crate) family: Option<Family>,
    /// Only those that hold in this revision
    #[arg(long, value_name = "REVISION", value_parser = named("revisions", Revision::ALL, Revision::name))]
    pub(crate) revision: Option<Revision>,
    /// Rules of your own
    #[command(flatten)]
    pub(crate) own: OwnRules,
}

/// Rules beside the built-in ones.
#[derive(Debug, Args)]
pub(crate) struct OwnRules {
    /// A folder with rule pages of your own, in folders named by link
    #[arg(long, value_name = "FOLDER")]
    pub(crate) rules: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Name of a rule, as the report shows it
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    /// Rules of your own
    #[command(flatten)]
    pub(crate) own: OwnRules,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Format of the output: text, json, jsonl; of tables: parquet, csv, jsonl
    #[arg(long, value_name = "FORMAT", global = true, value_parser = asked)]
    pub(crate) format: Option<Asked>,
    /// Write to this file, whose extension gives the format; of audit, to this folder
    #[arg(long, short, value_name = "FILE", global = true)]
    pub(crate) output: Option<PathBuf>,
}

/// A format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// One JSON value, indented.
    Json,
    /// One JSON value a line.
    Jsonl,
}

/// A format by name: that of a report, of tables, or of either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// As the format of a report; `None` where reports have no such format.
    pub(crate) report: Option<Format>,
    /// As the format of tables; `None` where tables have no such format.
    pub(crate) table: Option<TableFormat>,
}

/// What makes the exit status 1 (design, decision 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// A loss, or a broken duty of level error.
    Error,
    /// The same, or a warning, or a loss that was repaired.
    Warning,
    /// The same, or any finding.
    Note,
    /// A loss only.
    Loss,
}

/// The formats there are, by name and by extension.
const FORMATS: [(&str, &str, Format); 3] =
    [("text", "txt", Format::Text), ("json", "json", Format::Json), ("jsonl", "jsonl", Format::Jsonl)];

fn asked(name: &str) -> Result<Asked, String> {
    let report = FORMATS.iter().find(|(known, ..)| *known == name).map(|(.., format)| *format);
    let table = TableFormat::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
    if report.is_none() && table.is_none() {
        if name == "parquet" {
            return Err(format!("this build writes no Parquet; {}", super::query::BUILD));
        }
        return Err("the formats are text, json and jsonl; of tables parquet, csv and jsonl".to_owned());
    }
    Ok(Asked { report, table })
}

pub(super) fn fail_on(name: &str) -> Result<FailOn, String> {
    match name {
        "error" => Ok(FailOn::Error),
        "warning" => Ok(FailOn::Warning),
        "note" => Ok(FailOn::Note),
        "loss" => Ok(FailOn::Loss),
        _ => Err("the levels are error, warning, note and loss".to_owned()),
    }
}

/// Reads a name of a closed list, in any case and with `-` for a blank; the error lists them.
pub(crate) fn named<T: Copy + Send + Sync + 'static>(
    what: &'static str,
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let is_meant = |one: &&T| name(**one).replace(' ', "-").eq_ignore_ascii_case(&text.replace(' ', "-"));
        all.iter().find(is_meant).copied().ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|one| name(*one)).collect();
            format!("the {what} are {}", known.join(", "))
        })
    }
}

/// Octets, like `500K` or `2G`.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_end_matches('B').trim_end_matches("I");
    let (number, shift) = match digits.as_bytes().last() {
        Some(b'K') => (&digits[..digits.len() - 1], 10),
        Some(b'M') => (&digits[..digits.len() - 1], 20),
        Some(b'G') => (&digits[..digits.len() - 1], 30),
        _ => (digits, 0),
    };
    let number: usize = number.parse().map_err(|_| "a size is a number, perhaps with K, M or G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than this machine can address".to_owned())
}

impl Common {
    /// The format asked for: by name, else by the extension of the output file, else text.
    ///
    /// # Errors
    ///
    /// The extension is not that of a format, or the format is one of tables.
    pub(crate) fn format(&self) -> Result<Format, String> {
        if let Some(asked) = self.format {
            return asked.report.ok_or_else(|| "the formats are text, json and jsonl".to_owned());
        }
        let Some(path) = &self.output else {
            return Ok(Format::Text);
        };
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let found = FORMATS.iter().find(|(_, known, _)| Some(*known) == extension.as_deref());
        found.map(|(.., format)| *format).ok_or_else(|| {
            format!("{}: no format has this extension (txt, json, jsonl); pass --format as well", path.display())
        })
    }
}

/// The arguments of this process.
///
/// # Errors
///
/// Wrong usage, or a request for help or version: clap knows what to print.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(implied::with_command(arguments))
}

/// The names of the commands.
pub(crate) fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("500MiB"), Ok(500 << 20));
        assert_eq!(size("17"), Ok(17));
        assert!(size("much").is_err() && size("").is_err() && size("99999999999G").is_err());
    }

    #[test]
    fn formats() {
        let common = |format: Option<Format>, output: Option<&str>| {
            let format = format.map(|format| Asked { report: Some(format), table: None });
            Common { format, output: output.map(PathBuf::from) }.format()
        };
        assert_eq!(common(None, None), Ok(Format::Text));
        assert_eq!(common(None, Some("a.JSON")), Ok(Format::Json));
        assert_eq!(common(Some(Format::Jsonl), Some("a.log")), Ok(Format::Jsonl));
        assert!(common(None, Some("a.log")).is_err());
    }
}
