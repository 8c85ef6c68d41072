//! Makes the rows of the six tables from what was found in the recordings of one incident.

use std::path::Path;

use super::columns::Time;
use super::custody;
use super::rows::{CaptureRow, ExchangeRow, FindingRow, LinkRow, Rows, TrailRow};
use crate::decode::CaptureFacts;
use crate::decode::exchange::Exchange;
use crate::report::contract::{Capture, Evidence, Finding, Report, Trail};
use crate::report::escape::terminal;
use crate::report::exchanges;
use crate::secret::FingerprintKey;
use crate::trail::Incident;

/// What rows are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    /// Id of the incident.
    pub(super) id: &'a str,
    /// The report.
    pub(super) report: &'a Report,
    /// What was reconstructed.
    pub(super) incident: &'a Incident,
    /// The recordings.
    pub(super) captures: &'a [CaptureFacts],
    /// The key of the fingerprints.
    pub(super) key: &'a FingerprintKey,
    /// Digest of what it was judged by.
    pub(super) judged_by: &'a str,
}

/// The id of an incident: 16 hex digits from path and content of its recordings.
pub(super) fn incident_id<'a>(recordings: impl Iterator<Item = (&'a Path, &'a [u8; 32])>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("authtrail 2026 id of an incident");
    for (path, digest) in recordings {
        let path = path.as_os_str().as_encoded_bytes();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
        hasher.update(digest);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The rows of an incident.
pub(super) fn rows(sources: Sources<'_>) -> Rows {
    let id = sources.id;
    let maker = Maker { id, sources };
    let mut rows = Rows { captures: maker.captures(), exchanges: maker.exchanges(), ..Rows::default() };
    for (at, trail) in sources.report.trails.iter().enumerate() {
        let trail_id = maker.own(&trail.id);
        rows.trails.push(maker.trail(at, trail));
        rows.links.extend(maker.links(&trail_id, trail));
        rows.findings.extend(trail.findings.iter().map(|finding| maker.finding(&trail_id, trail, finding)));
        if let Some(reconstructed) = sources.incident.trails.get(at) {
            rows.values.extend(custody::values(id, &trail_id, sources.incident, reconstructed, sources.key));
        }
    }
    rows
}

struct Maker<'a> {
    id: &'a str,
    sources: Sources<'a>,
}

impl Maker<'_> {
    /// An id of the report, made unique over incidents.
    fn own(&self, id: &str) -> String {
        format!("{}-{id}", self.id)
    }

    fn captures(&self) -> Vec<CaptureRow> {
        let captures = self.sources.report.captures.iter().zip(self.sources.captures);
        captures.map(|(capture, facts)| self.capture(capture, facts)).collect()
    }

    fn capture(&self, capture: &Capture, facts: &CaptureFacts) -> CaptureRow {
        let incident = self.sources.incident;
        let own = incident.exchanges.iter().filter(|exchange| exchange.capture == facts.id);
        let offset = incident.clock_offsets.get(facts.id.0 as usize).copied().unwrap_or_default();
        let times = || own.clone().filter_map(|exchange| exchange.sent_at).map(|time| time.0.saturating_sub(offset));
        let problem = capture.problems.first();
        let trails = self.sources.report.trails.iter();
        CaptureRow {
            incident: self.id.to_owned(),
            recording: self.own(&capture.id),
            path: terminal(&capture.path).into_owned(),
            content: facts.bytes.map(|_| blake3::Hash::from_bytes(facts.digest).to_hex().to_string()),
            bytes: facts.bytes.map(integer),
            format: facts.format.map(str::to_owned),
            creator: capture.creator.as_deref().map(plain),
            usable: capture.usable,
            complete: capture.complete,
            sanitized: capture.sanitized.to_owned(),
            legs: capture.legs.iter().map(|leg| (*leg).to_owned()).collect(),
            exchanges: capture.exchanges as i64,
            trails: trails.filter(|trail| trail.exchanges.iter().any(|of| of.capture == capture.id)).count() as i64,
            first_at: times().min().map(Time),
            last_at: times().max().map(Time),
            clock_offset: offset,
            problems: capture.problems.len() as i64,
            problem: problem.map(|problem| match &problem.at {
                Some(at) => plain(&format!("{at}: {}", problem.message)),
                None => plain(&problem.message),
            }),
            judged_by: self.sources.judged_by.to_owned(),
        }
    }

    fn exchanges(&self) -> Vec<ExchangeRow> {
        let incident = self.sources.incident;
        let rows = exchanges::rows(incident, Some(self.sources.key));
        let rows = rows.into_iter().zip(&incident.exchanges).map(|(row, exchange)| self.exchange(row, exchange));
        let mut rows: Vec<(u32, ExchangeRow)> = rows.collect();
        rows.sort_by_key(|(capture, row)| (*capture, row.exchange));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn exchange(&self, row: exchanges::Row, exchange: &Exchange) -> (u32, ExchangeRow) {
        let offset = self.sources.incident.clock_offsets.get(exchange.capture.0 as usize).copied().unwrap_or_default();
        let took = exchange.sent_at.zip(exchange.answered_at).map(|(sent, answered)| answered.0.saturating_sub(sent.0));
        let made = ExchangeRow {
            incident: self.id.to_owned(),
            recording: self.own(&row.capture),
            exchange: row.exchange as i64,
            trail: row.trail.map(|trail| self.own(&trail)),
            at: row.at,
            tcp_stream: row.tcp_stream.map(i64::from),
            h2_stream: row.h2_stream.map(i64::from),
            sent_at: exchange.sent_at.map(|time| Time(time.0.saturating_sub(offset))),
            took,
            method: plain(&row.method),
            scheme: plain(&row.scheme),
            host: plain(&row.host),
            uri: plain(&row.uri),
            status: row.status.map(i64::from),
            request_body_len: row.request_body_len.map(integer),
            response_body_len: row.response_body_len.map(integer),
            protocol: row.protocol.as_deref().map(plain),
            role: row.role.map(str::to_owned),
        };
        (exchange.capture.0, made)
    }

    fn trail(&self, at: usize, trail: &Trail) -> TrailRow {
        let incident = self.sources.incident;
        let own = incident.trails.get(at).map(|trail| trail.exchanges.as_slice()).unwrap_or_default();
        let times = || {
            let exchanges = own.iter().filter_map(|id| incident.exchanges.get(id.0 as usize));
            exchanges.filter_map(|exchange| exchange.sent_at).map(|time| Time(time.0))
        };
        let servers: Vec<String> = trail.authorization_servers.iter().map(|url| plain(url)).collect();
        let cause = trail.cause.as_ref();
        let of_level = |level: &str| trail.findings.iter().filter(|finding| finding.level == level).count() as i64;
        let headline = trail.findings.iter().find(|finding| Some(&finding.id) == trail.headline.as_ref());
        TrailRow {
            incident: self.id.to_owned(),
            trail: self.own(&trail.id),
            client: trail.client.name.as_deref().map(plain),
            client_version: trail.client.version.as_deref().map(plain),
            server: plain(&trail.server),
            authorization_server: servers.first().cloned(),
            authorization_servers: servers,
            revision: trail.revision.value.as_deref().map(plain),
            revision_by: trail.revision.by.to_owned(),
            revision_candidates: trail.revision.candidates.clone(),
            outcome: trail.outcome.to_owned(),
            cause: cause.map(|cause| cause.rule.clone()),
            cause_finding: cause.map(|cause| self.own(&cause.finding)),
            cause_link: cause.map(|cause| cause.link.to_owned()),
            cause_party: cause.map(|cause| cause.party.to_owned()),
            cause_mode: cause.and_then(|cause| cause.mode.clone()),
            cause_certainty: cause.map(|cause| cause.certainty.to_owned()),
            broken_link: trail.chain.iter().find(|row| row.status == "broken").map(|row| row.link.to_owned()),
            headline: headline.map(|finding| finding.rule.clone()),
            recovered: trail.recovered.len() as i64,
            exchanges: trail.exchanges.len() as i64,
            first_at: times().min(),
            last_at: times().max(),
            errors: of_level("error"),
            warnings: of_level("warning"),
            notes: of_level("note"),
            satisfied: trail.coverage.satisfied as i64,
            violated: trail.coverage.violated as i64,
            not_applicable: trail.coverage.not_applicable as i64,
            not_observed: trail.coverage.not_observed as i64,
            depends_on_revision: trail.coverage.depends_on_revision as i64,
            record_next: trail.coverage.record_next.clone(),
        }
    }

    fn links(&self, trail_id: &str, trail: &Trail) -> impl Iterator<Item = LinkRow> {
        let cause = trail.cause.as_ref().map(|cause| cause.link);
        trail.chain.iter().zip(1..).map(move |(row, position)| {
            let shown = row.evidence.first();
            LinkRow {
                incident: self.id.to_owned(),
                trail: trail_id.to_owned(),
                position,
                link: row.link.to_owned(),
                status: row.status.to_owned(),
                is_cause: cause == Some(row.link),
                note: (!row.note.is_empty()).then(|| plain(&row.note)),
                findings: row.findings.len() as i64,
                recording: shown.map(|shown| self.own(&shown.capture)),
                exchange: shown.map(|shown| shown.exchange as i64),
                at: shown.map(|shown| shown.at.clone()),
            }
        })
    }

    fn finding(&self, trail_id: &str, trail: &Trail, finding: &Finding) -> FindingRow {
        let shown: Option<&Evidence> = finding.evidence.first();
        let value = shown.and_then(|shown| shown.value.as_ref());
        FindingRow {
            incident: self.id.to_owned(),
            trail: trail_id.to_owned(),
            finding: self.own(&finding.id),
            key: plain(&finding.key),
            rule: finding.rule.clone(),
            link: finding.link.to_owned(),
            party: finding.party.to_owned(),
            level: finding.level.to_owned(),
            keyword: finding.keyword.to_owned(),
            certainty: finding.certainty.to_owned(),
            is_cause: trail.cause.as_ref().is_some_and(|cause| cause.finding == finding.id),
            is_headline: trail.headline.as_ref() == Some(&finding.id),
            absorbed_by: finding.absorbed_by.as_ref().map(|id| self.own(id)),
            requirements: finding.requirements.clone(),
            valid_under: finding.valid_under.clone(),
            occurrences: finding.occurrences as i64,
            recording: shown.map(|shown| self.own(&shown.capture)),
            exchange: shown.map(|shown| shown.exchange as i64),
            at: shown.map(|shown| shown.at.clone()),
            field: shown.map(|shown| plain(&shown.field)),
            kind: shown.map(|shown| shown.kind.to_owned()),
            fingerprint: value.map(|value| value.fingerprint.clone()),
            length: value.map(|value| value.length as i64),
            says: shown.map(|shown| plain(&shown.says)),
        }
    }
}

fn plain(text: &str) -> String {
    terminal(text).into_owned()
}

/// More octets than a column can count are as many as it can.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
