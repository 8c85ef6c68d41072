//! Which revision of the protocol is in force, from what the recording shows (design, decision 1).
//!
//! Each exchange gives its strongest sign. A sign opens a stretch where it says more than the one before, or where the
//! client turns to the other era: a probe that fails and the session after it are two stretches.

use super::Stretch;
use super::bind::is_accepted;
use super::eras::is_modern;
use super::record::{ExchangeId, Record, RecordId, State};
use super::schema::{Binding, Field, Kind, Revision};

/// The revisions with sessions over Streamable HTTP.
const WITH_SESSIONS: [Revision; 3] = [Revision::R20250326, Revision::R20250618, Revision::R20251125];

/// How a revision is decided, strongest first (`by` of the report, apart from `assumed`).
const STRENGTH: [&str; 12] = [
    "meta-accepted",
    "initialize-result",
    "version-header",
    "supported-versions",
    "modern-error",
    "session-id",
    "endpoint-event",
    "batch",
    "feature",
    "modern-request",
    "offered",
    "default",
];

/// Characters that are kept of the name of an unknown revision.
const LONGEST_NAME: usize = 40;

/// One sign of a revision.
#[derive(Clone)]
struct Sign {
    candidates: Vec<Revision>,
    unknown_name: Option<String>,
    by: &'static str,
    evidence: (RecordId, Field),
    /// Whether the server has answered under it; an offer is only the client's.
    is_settled: bool,
}

/// The stretches of a trail, in time order; at least one.
pub(crate) fn stretches(records: &[Record], assumed: Option<Revision>) -> Vec<Stretch> {
    let first = records.first().map_or(ExchangeId(0), |record| record.exchange);
    if let Some(revision) = assumed {
        let candidates = vec![revision];
        return vec![Stretch { from: first, candidates, unknown_name: None, by: "assumed", evidence: None }];
    }
    let mut found = Found::default();
    let mut at = 0;
    while let Some(record) = records.get(at) {
        // The exchange, then what it carries: records of one exchange stand together.
        let end = at + records.iter().skip(at).take_while(|other| other.exchange == record.exchange).count().max(1);
        let here = records.get(at..end).unwrap_or_default();
        if let Some(nth) = here.iter().position(|record| record.kind == Kind::McpExchange && !record.is_upstream) {
            found.take(&Group { records, here, at, nth });
        }
        at = end;
    }
    found.finish(first)
}

#[derive(Default)]
struct Found {
    stretches: Vec<(ExchangeId, Sign)>,
    /// Whether the last stretch is of the stateless era.
    is_modern: Option<bool>,
    /// The last sign that the server answered under, of either era.
    settled: [Option<Sign>; 2],
}

impl Found {
    fn take(&mut self, group: &Group<'_>) {
        let Some(exchange) = group.exchange() else { return };
        let sign = group.sign();
        let modern = match &sign {
            Some(sign) if sign.by == "supported-versions" || sign.by == "modern-error" => Some(true),
            _ => is_modern(exchange),
        };
        let turns = modern.is_some() && self.is_modern.is_some() && modern != self.is_modern;
        let known = modern.and_then(|modern| self.settled.get(usize::from(modern)).cloned().flatten());
        let sign = match (sign, known) {
            // What is settled for this era holds until the server answers under another one.
            (Some(sign), Some(known)) if says_less(&sign, &known) => known,
            (Some(sign), _) => sign,
            (None, Some(known)) if turns => known,
            (None, _) => return,
        };
        if let Some(last) = self.stretches.last().map(|(_, last)| last) {
            let same = last.candidates == sign.candidates && last.unknown_name == sign.unknown_name;
            let is_weaker = !turns && !sign.is_settled && rank(sign.by) > rank(last.by) && sign.by != "offered";
            // The same revision is told again only where it is told for certain for the first time.
            let again = same && !turns && (last.is_settled || last.by == sign.by);
            if again || is_weaker {
                return;
            }
        }
        if sign.is_settled
            && let Some(slot) = self.settled.get_mut(usize::from(modern.unwrap_or(false)))
        {
            *slot = Some(sign.clone());
        }
        self.is_modern = modern.or(self.is_modern);
        self.stretches.push((exchange.exchange, sign));
    }

    fn finish(self, first: ExchangeId) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for (at, (from, sign)) in self.stretches.into_iter().enumerate() {
            let from = if at == 0 { first } else { from };
            let Sign { candidates, unknown_name, by, evidence, .. } = sign;
            stretches.push(Stretch { from, candidates, unknown_name, by, evidence: Some(evidence) });
        }
        if stretches.is_empty() {
            let candidates = WITH_SESSIONS.to_vec();
            stretches.push(Stretch { from: first, candidates, unknown_name: None, by: "default", evidence: None });
        }
        stretches
    }
}

/// Whether a sign adds nothing to what the server has answered under already: an offer, a header, or a mark of several
/// revisions beside a decided one.
fn says_less(sign: &Sign, known: &Sign) -> bool {
    !sign.is_settled || (sign.by == "version-header" && rank(known.by) < rank(sign.by))
}

fn rank(by: &str) -> usize {
    STRENGTH.iter().position(|known| *known == by).unwrap_or(STRENGTH.len())
}

/// An MCP exchange with its messages and events.
struct Group<'a> {
    records: &'a [Record],
    here: &'a [Record],
    /// Index of the first of `here` among all.
    at: usize,
    /// Index of the exchange in `here`.
    nth: usize,
}

impl Group<'_> {
    fn exchange(&self) -> Option<&Record> {
        self.here.get(self.nth)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (RecordId, &Record)> {
        let at = self.at;
        let own = self.here.iter().enumerate().filter(move |(_, record)| record.kind == kind);
        own.map(move |(nth, record)| (RecordId((at + nth) as u32), record))
    }

    /// The strongest sign of the exchange.
    fn sign(&self) -> Option<Sign> {
        let exchange = self.exchange()?;
        let id = RecordId((self.at + self.nth) as u32);
        let accepted = is_accepted(exchange);
        self.by_meta(accepted)
            .or_else(|| self.by_initialize(accepted))
            .or_else(|| self.by_answer(accepted))
            .or_else(|| {
                let version = exchange.text(Field::VersionHeader)?;
                Some(Sign::named(version, "version-header", (id, Field::VersionHeader), accepted))
            })
            .or_else(|| self.by_marks(exchange, id, accepted))
    }

    /// `_meta` of a request. An answer that no stateless server gives leaves it an offer.
    fn by_meta(&self, accepted: bool) -> Option<Sign> {
        let asks = |message: &Record| {
            // An initialize request opens a session, whatever stands beside it.
            message.text(Field::Method) != Some("initialize") && message.text(Field::MetaProtocolVersion).is_some()
        };
        let (id, message) = self.of_kind(Kind::ClientMessage).find(|(_, message)| asks(message))?;
        if let Some(sign) = self.by_modern_error() {
            return Some(sign);
        }
        let answer = message.found(Binding::Response).and_then(|id| self.records.get(id.0 as usize));
        let is_legacy = answer.is_some_and(|answer| {
            answer.text(Field::Sort) == Some("result")
                && answer.state(Field::ResultType) == &State::Absent
                && answer.state(Field::MetaServerInfo) == &State::Absent
        });
        let is_error = answer.is_some_and(|answer| answer.text(Field::Sort) == Some("error"));
        let served = accepted && !is_legacy && !is_error;
        let by = if served { "meta-accepted" } else { "offered" };
        let version = message.text(Field::MetaProtocolVersion)?;
        Some(Sign::named(version, by, (id, Field::MetaProtocolVersion), served))
    }

    /// An initialize request and its result.
    fn by_initialize(&self, accepted: bool) -> Option<Sign> {
        let mut messages = self.of_kind(Kind::ClientMessage);
        let (id, message) = messages.find(|(_, message)| message.text(Field::Method) == Some("initialize"))?;
        let answer = message.found(Binding::Response).filter(|_| accepted);
        let result = answer.and_then(|id| Some((id, self.records.get(id.0 as usize)?)));
        let version = result.and_then(|(id, answer)| Some((id, answer.text(Field::ResultProtocolVersion)?)));
        if let Some((id, version)) = version {
            return Some(Sign::named(version, "initialize-result", (id, Field::ResultProtocolVersion), true));
        }
        // A stateless server that refuses an older client says more than the offer of that client.
        if let Some(sign) = self.by_modern_error() {
            return Some(sign);
        }
        // The body may be missing from the recording; the header of later requests then says more.
        let offer = message.text(Field::ParamsProtocolVersion)?;
        Some(Sign::named(offer, "offered", (id, Field::ParamsProtocolVersion), false))
    }

    /// What only stateless servers answer.
    fn by_answer(&self, accepted: bool) -> Option<Sign> {
        if let Some(sign) = self.by_modern_error() {
            return Some(sign);
        }
        let mut answers = self.of_kind(Kind::ServerMessage).filter(|_| accepted);
        let listed = answers.find(|(_, answer)| !answer.list(Field::ResultSupportedVersions).is_empty());
        if let Some((id, answer)) = listed {
            let names = answer.list(Field::ResultSupportedVersions);
            return Some(Sign::listed(names, (id, Field::ResultSupportedVersions)));
        }
        None
    }

    /// An error that only stateless servers give (MCP 2026-07-28, error codes), with the versions that it names.
    fn by_modern_error(&self) -> Option<Sign> {
        let is_modern = |answer: &Record| {
            matches!(answer.number(Field::ErrorCode), Some(-32022..=-32020))
                && answer.number(Field::Status) == Some(400)
        };
        let (id, answer) = self.of_kind(Kind::ServerMessage).find(|(_, answer)| is_modern(answer))?;
        let names = answer.list(Field::ErrorSupported);
        if answer.number(Field::ErrorCode) == Some(-32022) && !names.is_empty() {
            return Some(Sign::listed(names, (id, Field::ErrorSupported)));
        }
        Some(Sign {
            candidates: vec![Revision::R20260728],
            unknown_name: None,
            by: "modern-error",
            evidence: (id, Field::ErrorCode),
            is_settled: true,
        })
    }

    /// Marks that leave several revisions, or that only one knows.
    fn by_marks(&self, exchange: &Record, id: RecordId, accepted: bool) -> Option<Sign> {
        let sign = |candidates: &[Revision], by: &'static str, evidence: (RecordId, Field)| {
            Some(Sign { candidates: candidates.to_vec(), unknown_name: None, by, evidence, is_settled: false })
        };
        if exchange.text(Field::ResponseSessionId).is_some() {
            return sign(&WITH_SESSIONS, "session-id", (id, Field::ResponseSessionId));
        }
        if exchange.text(Field::AnnouncedUri).is_some() {
            return sign(&[Revision::R20241105], "endpoint-event", (id, Field::AnnouncedUri));
        }
        if accepted && exchange.number(Field::BatchSize).is_some_and(|length| length > 0) {
            return sign(&[Revision::R20250326], "batch", (id, Field::BatchSize));
        }
        if let Some(evidence) = self.feature(accepted) {
            return sign(&[Revision::R20251125], "feature", evidence);
        }
        let asks =
            |message: &Record| matches!(message.text(Field::Method), Some("server/discover" | "subscriptions/listen"));
        let modern = self.of_kind(Kind::ClientMessage).find(|(_, message)| asks(message));
        let by_header = exchange.text(Field::McpMethodHeader).map(|_| (id, Field::McpMethodHeader));
        let evidence = by_header.or_else(|| modern.map(|(id, _)| (id, Field::Method)))?;
        sign(&[Revision::R20260728], "modern-request", evidence)
    }

    /// What only 2025-11-25 has: an event with an id and without data, error -32042, the methods of tasks.
    fn feature(&self, accepted: bool) -> Option<(RecordId, Field)> {
        if !accepted {
            return None;
        }
        let primes = |event: &Record| {
            event.is_true(Field::DataEmpty)
                && event.text(Field::EventId).is_some()
                && event.number(Field::Position) == Some(1)
        };
        if let Some((id, _)) = self.of_kind(Kind::ServerEvent).find(|(_, event)| primes(event)) {
            return Some((id, Field::DataEmpty));
        }
        let elicits = |answer: &Record| answer.number(Field::ErrorCode) == Some(-32042);
        if let Some((id, _)) = self.of_kind(Kind::ServerMessage).find(|(_, answer)| elicits(answer)) {
            return Some((id, Field::ErrorCode));
        }
        let is_task = |message: &Record| message.text(Field::Method).is_some_and(|name| name.starts_with("tasks/"));
        self.of_kind(Kind::ClientMessage).find(|(_, message)| is_task(message)).map(|(id, _)| (id, Field::Method))
    }
}

impl Sign {
    /// A revision by name. One that is not known is taken for the newest where it is later ("2026-07-28 and later"), and
    /// for any other where it is not; its name is kept.
    fn named(version: &str, by: &'static str, evidence: (RecordId, Field), is_settled: bool) -> Self {
        let name = || Some(version.chars().take(LONGEST_NAME).collect());
        let (candidates, unknown_name) = match Revision::from_name(version) {
            Some(revision) => (vec![revision], None),
            None if is_later(version) => (vec![Revision::R20260728], name()),
            None => (Revision::ALL.to_vec(), name()),
        };
        Sign { candidates, unknown_name, by, evidence, is_settled }
    }

    /// The stateless revisions of a list that the server gives of itself.
    fn listed(names: &[std::sync::Arc<str>], evidence: (RecordId, Field)) -> Self {
        let unknown = names.iter().find(|name| is_later(name)).map(|name| name.chars().take(LONGEST_NAME).collect());
        let known = names.iter().any(|name| &**name == Revision::R20260728.name());
        Sign {
            candidates: vec![Revision::R20260728],
            unknown_name: unknown.filter(|_| !known),
            by: "supported-versions",
            evidence,
            is_settled: true,
        }
    }
}

/// Whether a revision that is not known is one after the newest known.
fn is_later(version: &str) -> bool {
    let is_dated = version.len() == 10 && version.bytes().all(|octet| octet.is_ascii_digit() || octet == b'-');
    (is_dated && version > Revision::R20260728.name()) || version.starts_with("DRAFT") || version == "draft"
}
