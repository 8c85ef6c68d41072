//! The report as data: what `--format json` prints, and what every other format is made from.
//!
//! Names and shapes are a contract (`schema`): members are added, never renamed or removed. Nothing here is a secret:
//! values are fingerprints and lengths, or texts that may be shown. Texts come as the recording has them and are
//! escaped by each writer.

use serde::Serialize;

/// The version of this contract.
pub const SCHEMA: &str = "authtrail-report-v1";

/// One incident.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// The recordings, in the order given.
    pub captures: Vec<Capture>,
    /// One a client and MCP endpoint, in order of their first exchange.
    pub trails: Vec<Trail>,
    /// What could not be read, and why there is no trail where there is none.
    pub problems: Vec<Problem>,
}

/// The program and its rules.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// Version of the program.
    pub version: String,
    /// Digest of the rule set.
    pub rules_version: String,
}

/// One recording.
#[derive(Debug, Clone, Serialize)]
pub struct Capture {
    /// `c1`, `c2`, ...
    pub id: String,
    /// The path as given.
    pub path: String,
    /// SHA-256 of the file in hex; null unless asked for with `--sha256`.
    pub sha256: Option<String>,
    /// `har`, `pcap`, `pcapng`, `mitmproxy`.
    pub format: String,
    /// The program that wrote it, as it says; null where it does not.
    pub creator: Option<String>,
    /// Whether it could be opened and recognised; otherwise nothing was read from it.
    pub usable: bool,
    /// Exchanges found in it.
    pub exchanges: usize,
    /// `no`, `possible`, `yes`: whether credentials were removed from it.
    pub sanitized: &'static str,
    /// Legs of which it holds a readable exchange.
    pub legs: Vec<&'static str>,
    /// Seconds to add to its times to get those of the first recording; 0 for the first.
    pub clock_offset_s: f64,
    /// Whether it was read to its end.
    pub complete: bool,
    /// Packets that the recorder dropped, as it says; left out where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// What could not be read in it.
    pub problems: Vec<Problem>,
}

/// Something that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The recording; null where it is about none.
    pub capture: Option<String>,
    /// Place in the recording; null for the whole.
    pub at: Option<String>,
    /// What is wrong, and what was kept or what to do.
    pub message: String,
}

impl From<&crate::evidence::Problem> for Problem {
    fn from(problem: &crate::evidence::Problem) -> Self {
        Problem {
            capture: problem.capture.map(|id| id.to_string()),
            at: problem.at.clone(),
            message: problem.message.clone(),
        }
    }
}

/// One client at one MCP endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Trail {
    /// `t1`, `t2`, ...
    pub id: String,
    /// The client.
    pub client: Client,
    /// Canonical URL of the MCP endpoint; a secret in its path as a fingerprint.
    pub server: String,
    /// Issuers of the authorization servers involved.
    pub authorization_servers: Vec<String>,
    /// Every exchange that belongs to it.
    pub exchanges: Vec<ExchangeRef>,
    /// The revision in force at the end.
    pub revision: Revision,
    /// The stretches of several revisions, in order.
    pub revisions: Vec<Stretch>,
    /// `authorized`, `lost`, `denied`, `open`, `undecided`.
    pub outcome: &'static str,
    /// Id of the finding to read first; null where there is none.
    pub headline: Option<String>,
    /// All twelve links, in order.
    pub chain: Vec<ChainRow>,
    /// Why authorization was lost or denied; null where it was not, or where nothing in the recording explains it.
    pub cause: Option<Cause>,
    /// Losses that were repaired later.
    pub recovered: Vec<Recovered>,
    /// What breaks a duty, or is a fact that explains a loss; in order of link, step and rule.
    pub findings: Vec<Finding>,
    /// Rules that could not be judged, and what it would take.
    pub undetermined: Vec<Undetermined>,
    /// How much could be judged. Counts rules.
    pub coverage: Coverage,
    /// The verdict of every rule: `satisfied`, `violated`, `not-applicable`, `not-observed`, `depends-on-revision`.
    pub verdicts: std::collections::BTreeMap<String, &'static str>,
}

/// The client of a trail.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    /// `clientInfo.name`; null where none was seen.
    pub name: Option<String>,
    /// `clientInfo.version`; null where none was seen.
    pub version: Option<String>,
    /// The kinds of key by which its exchanges were joined.
    pub recognised_by: Vec<&'static str>,
}

/// One exchange.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ExchangeRef {
    /// The recording.
    pub capture: String,
    /// Place in time order in that recording, from 0.
    pub exchange: usize,
}

/// The revision that the rules go by.
#[derive(Debug, Clone, Serialize)]
pub struct Revision {
    /// The revision; null where the candidates disagree.
    pub value: Option<String>,
    /// The revisions that it may be.
    pub candidates: Vec<String>,
    /// How it was decided.
    pub by: &'static str,
    /// Where that stands.
    pub evidence: Vec<Evidence>,
}

/// A stretch of a trail under one revision.
#[derive(Debug, Clone, Serialize)]
pub struct Stretch {
    /// Index into `exchanges` of the trail at which it begins.
    pub from_exchange: usize,
    /// The revision; null where the candidates disagree.
    pub value: Option<String>,
    /// How it was decided.
    pub by: &'static str,
}

/// One link of the chain.
#[derive(Debug, Clone, Serialize)]
pub struct ChainRow {
    /// The link.
    pub link: &'static str,
    /// `held`, `broken`, `not-reached`, `not-observed`, `not-applicable`.
    pub status: &'static str,
    /// What is to be said of it in a few words; empty where nothing is.
    pub note: String,
    /// Findings at this link.
    pub findings: Vec<String>,
    /// Where the last attempt that reached it stands.
    pub evidence: Vec<Evidence>,
}

/// Why authorization was lost or denied.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// The finding.
    pub finding: String,
    /// The link at which it was laid.
    pub link: &'static str,
    /// Slug of the rule page.
    pub rule: String,
    /// Failure mode; null where the page names none.
    pub mode: Option<String>,
    /// Who must change.
    pub party: &'static str,
    /// Why the party is unknown or only likely; null where it is certain.
    pub party_reason: Option<String>,
    /// `proved`, `likely`, `possible`.
    pub certainty: &'static str,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// The smallest change that repairs it.
    pub fix: String,
    /// What the other side may tolerate meanwhile; null where nothing helps.
    pub tolerance: Option<String>,
    /// What does not repair it.
    pub not_a_fix: Vec<String>,
    /// Findings that show a wrong repair being tried.
    pub attempted_repairs: Vec<String>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// Findings that follow from it.
    pub consequences: Vec<String>,
    /// What else it could be, and what would decide.
    pub alternatives: Vec<Alternative>,
}

/// Another explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// Slug of its rule page.
    pub rule: String,
    /// Who would have to change.
    pub party: &'static str,
    /// The recording that would decide.
    pub decided_by: String,
}

/// A loss that was repaired later.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// How it showed.
    pub symptom: &'static str,
    /// The link that broke.
    pub link: &'static str,
    /// The refusal, then what repaired it.
    pub evidence: Vec<Evidence>,
}

/// A broken duty, or a fact.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// `f1`, `f2`, ...
    pub id: String,
    /// Stable over recordings: rule, party, server, field. A secret in the server's path is a mark, the same for all.
    pub key: String,
    /// Slug of the rule page.
    pub rule: String,
    /// Title of the page.
    pub title: String,
    /// The first paragraph of the page.
    pub summary: String,
    /// The page's folder.
    pub link: &'static str,
    /// Who must change.
    pub party: &'static str,
    /// `MUST`, `SHOULD`, ... in the revision in force; `none` for a fact.
    pub keyword: &'static str,
    /// `error`, `warning`, `note`.
    pub level: &'static str,
    /// Catalogue entries.
    pub requirements: Vec<String>,
    /// Links to the specification.
    pub spec: Vec<String>,
    /// Revisions in which the same behaviour breaks nothing.
    pub valid_under: Vec<String>,
    /// Revisions in which it breaks the duty, of those that may have been in force where it happened.
    pub wrong_under: Vec<String>,
    /// The finding that explains this one; null where none does.
    pub absorbed_by: Option<String>,
    /// `proved`, `likely`, `possible`.
    pub certainty: &'static str,
    /// How many steps of the trail show it; `evidence` holds the most telling one and a few more.
    pub occurrences: usize,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// One place in a recording and what it shows.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// The recording.
    pub capture: String,
    /// Place in time order in that recording, from 0.
    pub exchange: usize,
    /// Place in the words of other tools: `entry 17`.
    pub at: String,
    /// `tcp.stream`; null outside packet captures.
    pub tcp_stream: Option<u32>,
    /// `http2.streamid`; null outside HTTP/2 packet captures.
    pub h2_stream: Option<u32>,
    /// Which sighting of the exchange, from 1 at the client; null where there is one.
    pub sighting: Option<u32>,
    /// The part: `request.body.code_verifier`.
    pub field: String,
    /// `present`, `absent`, `changed`.
    pub kind: &'static str,
    /// The value; null where there is none to show.
    pub value: Option<EvidenceValue>,
    /// What closes the time in which it could still have come; null where nothing had to be waited for.
    pub window: Option<String>,
    /// In words.
    pub says: String,
}

impl Evidence {
    /// What is said of a value that has only to be there.
    pub(crate) const IS_THERE: &str = "is there";
    /// What is said of a value that is missing, or has to be.
    pub(crate) const IS_NOT_THERE: &str = "is not there";
}

/// A value in a safe form.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceValue {
    /// `f:1d07a2b3`.
    pub fingerprint: String,
    /// Length in octets.
    pub length: usize,
    /// The value itself where it is no secret, or with `--show-secrets`; null otherwise.
    pub text: Option<String>,
}

/// A rule that could not be judged.
#[derive(Debug, Clone, Serialize)]
pub struct Undetermined {
    /// Slug of the rule page.
    pub rule: String,
    /// `revision` or `not-observed`.
    pub why: &'static str,
    /// What it would take: `leg client-as`.
    pub needs: String,
}

/// Counts of rules, one verdict a rule and trail.
#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    /// Kept.
    pub satisfied: usize,
    /// Broken.
    pub violated: usize,
    /// This revision or this trail does not have it.
    pub not_applicable: usize,
    /// The step or value is not in the recording.
    pub not_observed: usize,
    /// Candidate revisions disagree.
    pub depends_on_revision: usize,
    /// The recording that would decide more; null where nothing is missing.
    pub record_next: Option<String>,
}
