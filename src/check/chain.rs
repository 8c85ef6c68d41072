//! The chain of custody of one trail: what is known of each of the twelve links.

use super::cause::Cause;
use super::language::Symptom;
use super::loss::{Loss, Taken, taken};
use crate::trail::Trail;
use crate::trail::record::{EndedSessions, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind, Link, Revision, names};

names! {
    /// What is known of a link.
    LinkStatus {
        /// The hand-over worked, whether or not a duty was broken in it.
        Held = "held",
        /// A loss is there.
        Broken = "broken",
        /// The login stopped before it.
        NotReached = "not-reached",
        /// The recording does not show it.
        NotObserved = "not-observed",
        /// This trail or this revision does not have it.
        NotApplicable = "not-applicable",
    }
}

/// One link of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The link.
    pub link: Link,
    /// What is known of it.
    pub status: LinkStatus,
    /// A few words; empty where there is nothing to say.
    pub note: String,
    /// The step of the last attempt that reached it, and the field to show; `None` where none did.
    pub step: Option<(RecordId, Field)>,
}

/// A step at a link, and whether the hand-over worked; `None` where the recording does not tell.
struct Step {
    record: RecordId,
    field: Field,
    worked: Option<bool>,
    note: String,
}

/// All twelve rows, in order.
///
/// `cause` comes with its link and the field that its page asserts something of.
pub fn chain(trail: &Trail, cause: Option<(&Cause, Link, Field)>, losses: &[Loss]) -> Vec<Row> {
    let (cause, cause_link, asserted) = match cause {
        Some((cause, link, field)) => (Some(cause), Some(link), Some(field)),
        None => (None, None, None),
    };
    let broken = cause_link.filter(|_| cause.is_some()).or_else(|| first_break(losses)).map(row_of);
    let breaking_step = losses.last().map(|loss| (loss.record, Field::Status));
    let breaking_step = cause.zip(asserted).map(|(cause, field)| (cause.candidate.record, field)).or(breaking_step);
    let furthest = Link::chain().filter(|link| *link <= Link::TokenResponse && step(trail, *link).is_some()).last();
    Link::chain().map(|link| row(trail, link, broken, breaking_step, furthest)).collect()
}

/// Where a loss without a known cause shows: the last refusal of the MCP server, else the last loss.
fn first_break(losses: &[Loss]) -> Option<Link> {
    let refusal = |loss: &&Loss| {
        matches!(
            loss.symptom,
            Symptom::Unauthorized | Symptom::Forbidden | Symptom::SessionRefused | Symptom::RequestRefused
        )
    };
    let other = losses.iter().rfind(|loss| !refusal(loss));
    let last = losses.iter().rfind(refusal);
    match (last, other) {
        // A login that stopped on its way says more than the refusal that began it.
        (Some(last), Some(other)) if other.record > last.record => Some(other.link),
        (Some(last), _) => Some(last.link),
        (None, other) => other.map(|loss| loss.link),
    }
}

/// A loss by framing breaks the session; `transport` is no row.
fn row_of(link: Link) -> Link {
    if link == Link::Transport { Link::Session } else { link }
}

fn row(
    trail: &Trail,
    link: Link,
    broken: Option<Link>,
    breaking: Option<(RecordId, Field)>,
    furthest: Option<Link>,
) -> Row {
    let found = step(trail, link);
    let place = found.as_ref().map(|step| (step.record, step.field));
    let note = found.as_ref().map(|step| step.note.clone()).unwrap_or_default();
    if broken == Some(link) {
        return Row { link, status: LinkStatus::Broken, note, step: breaking.or(place) };
    }
    let (status, note) = match found {
        Some(Step { worked: Some(true), .. }) => (LinkStatus::Held, note),
        Some(Step { worked: None, .. }) => (LinkStatus::NotObserved, note),
        Some(Step { worked: Some(false), .. }) if broken.is_some_and(|broken| link > broken) => {
            (LinkStatus::NotReached, note)
        }
        Some(Step { worked: Some(false), .. }) => (LinkStatus::NotApplicable, note),
        None => without_step(trail, link, broken, furthest),
    };
    let step = if status == LinkStatus::NotApplicable && place.is_none() { None } else { place };
    Row { link, status, note, step }
}

/// A link of which the recording holds no step.
fn without_step(trail: &Trail, link: Link, broken: Option<Link>, furthest: Option<Link>) -> (LinkStatus, String) {
    let say = |status: LinkStatus, note: &str| (status, note.to_owned());
    if broken.is_some_and(|broken| link > broken) {
        return say(LinkStatus::NotReached, "");
    }
    match link {
        Link::Challenge if furthest.is_some() => say(LinkStatus::NotApplicable, "discovery came unasked"),
        Link::Renewal => say(LinkStatus::NotApplicable, ""),
        Link::Registration if furthest > Some(link) => say(LinkStatus::NotApplicable, "client_id from elsewhere"),
        Link::ResourceMetadata | Link::AsMetadata if has_no_metadata_duty(trail) => say(LinkStatus::NotApplicable, ""),
        // A token is in use: the login was before the recording, or on a leg that it does not hold.
        _ if furthest > Some(link) || token_in_use(trail) => say(LinkStatus::NotObserved, ""),
        Link::TokenAttachment | Link::TokenAcceptance | Link::Session if furthest.is_none() => {
            say(LinkStatus::NotApplicable, "")
        }
        _ if furthest.is_none() && broken.is_none() => say(LinkStatus::NotApplicable, ""),
        _ => say(LinkStatus::NotReached, ""),
    }
}

/// 2025-03-26 knows no resource metadata, and default endpoints where there is no server metadata.
fn has_no_metadata_duty(trail: &Trail) -> bool {
    let last = trail.stretches.last();
    last.is_some_and(|stretch| stretch.candidates.iter().all(|revision| *revision <= Revision::R20250326))
}

fn token_in_use(trail: &Trail) -> bool {
    trail
        .of_kind(Kind::McpExchange)
        .any(|(_, record)| matches!(record.state(Field::Bearer), State::Present(_) | State::Unread(_)))
}

/// The step of the last attempt that reached a link.
fn step(trail: &Trail, link: Link) -> Option<Step> {
    match link {
        Link::Challenge => challenge(trail),
        Link::ResourceMetadata => document(trail, Kind::ResourceMetadataRequest, Field::DocumentResource),
        Link::AsMetadata => document(trail, Kind::AsMetadataRequest, Field::DocumentIssuer),
        Link::Registration => registration(trail),
        Link::AuthorizationRequest => {
            let (record, request) = trail.of_kind(Kind::AuthorizationRequest).last()?;
            let worked = match request.number(Field::Status) {
                Some(status) => Some(status < 400),
                None => request.found(Binding::AuthorizationResponse).map(|_| true),
            };
            let attempts = trail.of_kind(Kind::AuthorizationRequest).count();
            let note = if attempts > 1 { format!("attempt {attempts} of {attempts}") } else { String::new() };
            Some(Step { record, field: Field::Url, worked, note })
        }
        Link::Callback => callback(trail),
        Link::TokenRequest => {
            let (record, request) =
                trail.of_kind(Kind::TokenRequest).filter(|(_, request)| !is_refresh(request)).last()?;
            let response = request.found(Binding::TokenResponse).and_then(|id| trail.record(id));
            let worked = response.and_then(|response| response.number(Field::Status)).map(|status| status < 400);
            let grant = request.text(Field::GrantType).unwrap_or_default();
            let note = if grant == "authorization_code" { String::new() } else { grant.chars().take(24).collect() };
            Some(Step { record, field: Field::GrantType, worked, note })
        }
        Link::TokenResponse => token_response(trail),
        Link::TokenAttachment => attachment(trail),
        Link::TokenAcceptance => acceptance(trail),
        Link::Session => session(trail),
        Link::Renewal => renewal(trail),
        Link::Transport => None,
    }
}

fn is_refresh(request: &Record) -> bool {
    request.text(Field::GrantType) == Some("refresh_token")
}

fn challenge(trail: &Trail) -> Option<Step> {
    let record = trail.flows.iter().rev().find_map(|flow| flow.trigger)?;
    let refusal = trail.record(record)?;
    let mut note = refusal.number(Field::Status).map(|status| status.to_string()).unwrap_or_default();
    let field = if refusal.text(Field::ChallengeResourceMetadata).is_some() {
        note.push_str(", resource_metadata");
        Field::ChallengeResourceMetadata
    } else {
        Field::Status
    };
    Some(Step { record, field, worked: Some(true), note })
}

/// Metadata of one kind: the last reading that succeeded, else the last attempt.
fn document(trail: &Trail, kind: Kind, member: Field) -> Option<Step> {
    let succeeded = |record: &Record| matches!(record.number(Field::Status), Some(200..=299 | 304));
    let readable = trail.of_kind(kind).filter(|(_, record)| matches!(record.state(member), State::Present(_))).last();
    let answered = trail.of_kind(kind).filter(|(_, record)| succeeded(record)).last();
    let (record, found) = readable.or(answered).or_else(|| trail.of_kind(kind).last())?;
    let worked = match found.state(member) {
        State::Present(_) => Some(true),
        // The body is not in the recording; that the login went on shows that it was of use.
        State::Unknown(_) if succeeded(found) && went_on(trail, found) => Some(true),
        State::Unknown(_) => None,
        State::Absent | State::Unread(_) => Some(false),
    };
    let note = match (worked, found.number(Field::Status)) {
        (Some(true), _) => String::new(),
        (_, Some(status)) => status.to_string(),
        (_, None) => "no answer".to_owned(),
    };
    Some(Step { record, field: member, worked, note })
}

/// Whether the client came to register or to authorize after a step.
fn went_on(trail: &Trail, record: &Record) -> bool {
    let later = |kind: Kind| trail.of_kind(kind).any(|(_, other)| other.exchange > record.exchange);
    later(Kind::RegistrationRequest) || later(Kind::AuthorizationRequest) || later(Kind::TokenRequest)
}

fn registration(trail: &Trail) -> Option<Step> {
    if let Some((record, request)) = trail.of_kind(Kind::RegistrationRequest).last() {
        let worked = match (request.number(Field::Status), request.state(Field::Status)) {
            (Some(status), _) => Some(status < 400),
            (None, State::Absent) => Some(false),
            _ => None,
        };
        let note = request.number(Field::Status).map_or_else(|| "no answer".to_owned(), |_| String::new());
        return Some(Step { record, field: Field::ResponseClientId, worked, note });
    }
    let (record, request) = trail.of_kind(Kind::AuthorizationRequest).last()?;
    let by_document = request.text(Field::ClientId).is_some_and(|id| id.starts_with("https://"));
    let note = "client metadata document".to_owned();
    by_document.then_some(Step { record, field: Field::ClientId, worked: Some(true), note })
}

fn callback(trail: &Trail) -> Option<Step> {
    let (record, response) = trail.of_kind(Kind::AuthorizationResponse).last()?;
    let redeemed = response.found(Binding::TokenRequest).is_some();
    let delivered = response.is_true(Field::CallbackSeen) || redeemed;
    let refused = matches!(response.number(Field::CallbackStatus), Some(400..=599)) && !redeemed;
    let worked = if refused {
        Some(false)
    } else if delivered {
        Some(true)
    } else {
        None
    };
    let is_error = matches!(response.state(Field::Error), State::Present(_));
    let note = match (is_error, refused) {
        (true, _) => response.text(Field::Error).unwrap_or_default().chars().take(32).collect(),
        (false, true) => "refused by the client".to_owned(),
        (false, false) => String::new(),
    };
    let field = if is_error { Field::Error } else { Field::State };
    Some(Step { record, field, worked, note })
}

fn token_response(trail: &Trail) -> Option<Step> {
    let (record, response) = trail.of_kind(Kind::TokenResponse).last()?;
    let worked = match (response.number(Field::Status), response.state(Field::AccessToken)) {
        (Some(200..=299), State::Present(_) | State::Unread(_)) => Some(true),
        (Some(_), State::Absent) => Some(false),
        (Some(200..=299), _) => None,
        (Some(_), _) => Some(false),
        (None, _) => None,
    };
    let note = match response.text(Field::Error) {
        Some(error) => error.chars().take(32).collect(),
        None => String::new(),
    };
    let field = if response.text(Field::Error).is_some() { Field::Error } else { Field::AccessToken };
    Some(Step { record, field, worked, note })
}

/// The last MCP exchange that a token should have travelled with.
fn attachment(trail: &Trail) -> Option<Step> {
    let due = |record: &Record| {
        record.found(Binding::NewestTokenResponse).is_some()
            || !matches!(record.state(Field::Bearer), State::Absent | State::Unknown(_))
    };
    let (record, exchange) = trail.of_kind(Kind::McpExchange).filter(|(_, exchange)| due(exchange)).last()?;
    let worked = match exchange.state(Field::Bearer) {
        State::Present(_) | State::Unread(_) => Some(true),
        State::Absent => Some(false),
        // The exporter hides the header; an answer that only a token gives shows it.
        State::Unknown(_) if taken(exchange) == Taken::Accepted => Some(true),
        State::Unknown(_) => None,
    };
    let note = if worked.is_none() { "hidden by the exporter" } else { "" };
    Some(Step { record, field: Field::Bearer, worked, note: note.to_owned() })
}

/// The last MCP exchange that carried a token, or may have.
fn acceptance(trail: &Trail) -> Option<Step> {
    let carried = |record: &Record| match record.state(Field::Bearer) {
        State::Present(_) | State::Unread(_) => true,
        State::Unknown(_) => record.found(Binding::NewestTokenResponse).is_some(),
        State::Absent => false,
    };
    let decided = |record: &Record| !matches!(taken(record), Taken::Neutral);
    let mut carrying = trail.of_kind(Kind::McpExchange).filter(|(_, exchange)| carried(exchange) && decided(exchange));
    let (record, exchange) = carrying.by_ref().last()?;
    // A refusal for another reason than the token leaves the token accepted.
    let worked = !matches!(taken(exchange), Taken::Refused(Symptom::Unauthorized | Symptom::Unreadable));
    let note = exchange.number(Field::Status).filter(|_| !worked).map(|status| status.to_string()).unwrap_or_default();
    Some(Step { record, field: Field::Status, worked: Some(worked), note })
}

fn session(trail: &Trail) -> Option<Step> {
    let in_session = |record: &Record| {
        !matches!(record.state(Field::SessionId), State::Absent)
            || matches!(record.state(Field::ResponseSessionId), State::Present(_))
            || matches!(taken(record), Taken::Refused(Symptom::SessionRefused))
    };
    let decided = |record: &Record| matches!(taken(record), Taken::Accepted | Taken::Refused(Symptom::SessionRefused));
    // What a client still asks of a session that it ended says nothing of the session.
    let ended = EndedSessions::of(trail.of_kind(Kind::McpExchange).map(|(_, exchange)| exchange));
    let tells = |exchange: &Record| decided(exchange) && in_session(exchange) && !ended.before(exchange);
    if let Some((record, exchange)) = trail.of_kind(Kind::McpExchange).filter(|(_, exchange)| tells(exchange)).last() {
        let worked = taken(exchange) == Taken::Accepted;
        return Some(Step { record, field: Field::SessionId, worked: Some(worked), note: String::new() });
    }
    let accepted = |record: &Record| taken(record) == Taken::Accepted;
    let (record, exchange) = trail.of_kind(Kind::McpExchange).filter(|(_, exchange)| accepted(exchange)).last()?;
    let note = if exchange.text(Field::Era) == Some("modern") { "stateless" } else { "without session id" };
    Some(Step { record, field: Field::Status, worked: Some(true), note: note.to_owned() })
}

fn renewal(trail: &Trail) -> Option<Step> {
    let refresh = trail.of_kind(Kind::TokenRequest).filter(|(_, request)| is_refresh(request)).last();
    let (record, request) = refresh?;
    let response = request.found(Binding::TokenResponse).and_then(|id| trail.record(id));
    let worked = response.and_then(|response| response.number(Field::Status)).map(|status| status < 400);
    Some(Step { record, field: Field::GrantType, worked, note: "refresh".to_owned() })
}
