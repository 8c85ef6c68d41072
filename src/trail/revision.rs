//! Which revision of the protocol is in force, from what the recording shows (design, decision 1).

use super::read::content::Content;
use super::record::{ExchangeId, Record, RecordId};
use super::schema::{Field, Kind, Revision};
use super::view::View;
use super::{Stretch, bind::is_accepted};
use crate::capture::limits::Limits;

/// One sign of a revision.
struct Sign {
    from: ExchangeId,
    candidates: Vec<Revision>,
    by: &'static str,
    evidence: (RecordId, Field),
    /// Whether the server has answered under it; an offer is only the client's.
    is_settled: bool,
}

/// The stretches of a trail, in time order; at least one.
pub(crate) fn stretches(
    records: &[Record],
    views: &[View<'_>],
    assumed: Option<Revision>,
    limits: &Limits,
) -> Vec<Stretch> {
    let first = records.first().map_or(ExchangeId(0), |record| record.exchange);
    if let Some(revision) = assumed {
        return vec![Stretch { from: first, candidates: vec![revision], by: "assumed", evidence: None }];
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut settled = false;
    for (at, record) in records.iter().enumerate().filter(|(_, record)| record.kind == Kind::McpExchange) {
        let Some(view) = views.get(record.exchange.0 as usize) else { continue };
        let Some(sign) = sign_of(RecordId(at as u32), record, view, limits) else { continue };
        if settled && !sign.is_settled {
            continue;
        }
        let current = stretches.last_mut();
        if current.as_ref().is_some_and(|current| current.by == sign.by && current.candidates == sign.candidates) {
            continue;
        }
        // A header or a session id says less than an initialize result that is there already.
        if settled && matches!(sign.by, "version-header" | "session-id") {
            continue;
        }
        settled |= sign.is_settled;
        let from = if stretches.is_empty() { first } else { sign.from };
        stretches.push(Stretch { from, candidates: sign.candidates, by: sign.by, evidence: Some(sign.evidence) });
    }
    if stretches.is_empty() {
        let candidates = vec![Revision::R20250326, Revision::R20250618, Revision::R20251125];
        stretches.push(Stretch { from: first, candidates, by: "default", evidence: None });
    }
    stretches
}

/// What one exchange says of the revision, strongest sign first (`spec/revisions.md`, 2).
fn sign_of(id: RecordId, record: &Record, view: &View<'_>, limits: &Limits) -> Option<Sign> {
    let accepted = is_accepted(record);
    let sign = |candidates: Vec<Revision>, by: &'static str, field: Field, is_settled: bool| {
        Some(Sign { from: record.exchange, candidates, by, evidence: (id, field), is_settled })
    };
    if let Some(version) = view.messages.iter().find_map(|message| message.meta_version()) {
        let by = if accepted { "meta-accepted" } else { "offered" };
        return sign(revisions(version), by, Field::VersionHeader, accepted);
    }
    if let Some(offer) = view.messages.iter().find_map(|message| message.offered_version()) {
        let result =
            if accepted { view.content(limits).ok().flatten().and_then(Content::initialize_result) } else { None };
        return match result {
            Some(version) => sign(revisions(version), "initialize-result", Field::JsonrpcMethod, true),
            // The body may be missing from the recording; the header of later requests then says more.
            None => sign(revisions(offer), "offered", Field::JsonrpcMethod, false),
        };
    }
    if let Some(version) = record.text(Field::VersionHeader) {
        return sign(revisions(version), "version-header", Field::VersionHeader, accepted);
    }
    if record.text(Field::ResponseSessionId).is_some() {
        let candidates = vec![Revision::R20250326, Revision::R20250618, Revision::R20251125];
        return sign(candidates, "session-id", Field::ResponseSessionId, false);
    }
    if record.text(Field::McpMethodHeader).is_some() {
        return sign(vec![Revision::R20260728], "modern-request", Field::McpMethodHeader, false);
    }
    None
}

/// The revision with this name. One that is not known is taken for the newest where it is later ("2026-07-28 and later"),
/// and for any other where it is not.
fn revisions(version: &str) -> Vec<Revision> {
    if let Some(revision) = Revision::from_name(version) {
        return vec![revision];
    }
    let is_later = version > Revision::R20260728.name() || version.starts_with("DRAFT") || version == "draft";
    if is_later { vec![Revision::R20260728] } else { Revision::ALL.to_vec() }
}
