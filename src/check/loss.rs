//! Losses: the symptoms of a trail that nothing later repairs (`rules.md`, section 5).
//!
//! Says what broke and where it shows, not why.

use std::collections::HashMap;

use super::language::Symptom;
use crate::trail::Trail;
use crate::trail::read::urls;
use crate::trail::record::{Bound, EndedSessions, ExchangeId, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind, Link};

/// One symptom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// How it shows.
    pub symptom: Symptom,
    /// The refused or unreadable step; for a missing step, the one that it should have followed.
    pub record: RecordId,
    /// The link at which it shows.
    pub link: Link,
    /// The later step that repaired it; `None` for a loss.
    pub repaired_by: Option<RecordId>,
    /// Whether the protocol foresees such a refusal: repaired, it is no loss and worth no word.
    pub is_foreseen: bool,
    /// For the challenge that a login began with: how the login stopped. What explains the loss must explain this stop,
    /// since the challenge itself is foreseen.
    pub stop: Option<Symptom>,
}

impl Loss {
    /// The symptom that a cause has to explain.
    pub fn to_explain(&self) -> Symptom {
        self.stop.unwrap_or(self.symptom)
    }
}

/// How the server took an MCP exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// As authorized.
    Accepted,
    /// It shows this symptom.
    Refused(Symptom),
    /// It says nothing about authorization: a stream that is not offered, an unknown method, no answer recorded.
    Neutral,
}

/// How the server took an MCP exchange.
pub fn taken(exchange: &Record) -> Taken {
    let status = match exchange.state(Field::Status) {
        State::Present(_) => exchange.number(Field::Status).unwrap_or_default(),
        _ => return Taken::Neutral,
    };
    let is_post = exchange.text(Field::Method) == Some("POST");
    let is_page = exchange.text(Field::ResponseContentType) == Some("text/html");
    let has_session = matches!(exchange.state(Field::SessionId), State::Present(_));
    let reads_as = exchange.text(Field::RefusalReadsAs);
    match status {
        200..=299 if is_page || !is_readable(exchange) => Taken::Refused(Symptom::Unreadable),
        200..=299 => Taken::Accepted,
        401 => Taken::Refused(Symptom::Unauthorized),
        403 => Taken::Refused(Symptom::Forbidden),
        // To the DELETE that ends a session: that there is none left, which is what the client asks for.
        400 | 404 if exchange.text(Field::Method) == Some("DELETE") => Taken::Neutral,
        // A server without a listening stream, or without a way to end sessions, says so with 405 (and often 404).
        400..=499 if !(is_post || has_session && reads_as == Some("session")) => Taken::Neutral,
        400 | 404 if has_session || reads_as == Some("session") => Taken::Refused(Symptom::SessionRefused),
        // JSON-RPC over 404 is an unknown method of 2026-07-28: the request was let in.
        404 if exchange.text(Field::ResponseContentType) == Some("application/json") => Taken::Neutral,
        400..=499 => Taken::Refused(Symptom::RequestRefused),
        500..=599 if is_page => Taken::Refused(Symptom::Unreadable),
        301 | 302 | 303 | 307 | 308 if is_post && leads_nowhere(exchange) => Taken::Refused(Symptom::Unreadable),
        // A token whose time is over was not taken, whatever the server says.
        302 | 303 | 500 if exchange.is_true(Field::TokenExpired) => Taken::Refused(Symptom::RequestRefused),
        _ => Taken::Neutral,
    }
}

/// Whether the answer sends the client to another origin, and it is known that the client did not go there.
fn leads_nowhere(exchange: &Record) -> bool {
    let origin = |field: Field| exchange.text(field).and_then(urls::origin);
    let leaves = origin(Field::Location).is_some_and(|there| Some(there) != origin(Field::Url));
    leaves && matches!(exchange.bound(Binding::RedirectTarget), Bound::None(_))
}

/// Whether a page may read the answer (Fetch, 4.10): same origin, or allowed by the answer.
fn is_readable(record: &Record) -> bool {
    if !record.is_true(Field::CrossOrigin) {
        return true;
    }
    match (record.state(Field::AllowOrigin), record.text(Field::Origin)) {
        (State::Present(_), Some(origin)) => record
            .text(Field::AllowOrigin)
            .is_some_and(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin)),
        (State::Absent, Some(_)) => false,
        _ => true,
    }
}

/// Every symptom of a trail, repaired or not, in time order.
pub fn symptoms(trail: &Trail) -> Vec<Loss> {
    let story = Story::of(trail);
    let mut found: Vec<Loss> = Vec::new();
    for (at, record) in trail.records.iter().enumerate().filter(|(_, record)| !record.is_upstream) {
        let id = RecordId(at as u32);
        let shown = match record.kind {
            Kind::McpExchange => mcp_symptom(&story, record),
            Kind::AuthorizationRequest => authorization_request_symptom(&story, record),
            Kind::AuthorizationResponse => response_symptom(&story, record),
            Kind::TokenResponse => token_symptom(record),
            Kind::RegistrationRequest | Kind::ResourceMetadataRequest | Kind::AsMetadataRequest => {
                discovery_symptom(trail, record)
            }
            _ => None,
        };
        let Some((symptom, link)) = shown else { continue };
        let repaired_by = repair(&story, id, record, symptom);
        let is_foreseen = is_foreseen(record, symptom);
        let begins_login = symptom == Symptom::Unauthorized && is_challenge(record) && !story.has_token_before(record);
        let stop = begins_login.then(|| stop_of_login(trail, id));
        found.push(Loss { symptom, record: id, link, repaired_by, is_foreseen, stop });
    }
    found
}

fn mcp_symptom(story: &Story<'_>, record: &Record) -> Option<(Symptom, Link)> {
    if let Bound::None(_) = record.bound(Binding::NextAuthorizationRequest)
        && is_challenge(record)
        && !story.has_token_before(record)
        && matches!(record.bound(Binding::NewestTokenResponse), Bound::None(_))
        && story.last_discovery > Some(record.exchange)
    {
        return Some((Symptom::NoAuthorizationRequest, story.furthest));
    }
    match taken(record) {
        // The client has closed this session: its streams and a second DELETE have nothing left to find.
        Taken::Refused(Symptom::SessionRefused) if story.is_closed(record) => None,
        // A request that is refused for its own sake, while others with the token are taken, is no loss of authorization.
        Taken::Refused(Symptom::RequestRefused)
            if !story.accepted_with_token.is_empty() && !record.is_true(Field::TokenExpired) =>
        {
            None
        }
        Taken::Neutral if is_blocked(story.trail, record) => Some((Symptom::Unreadable, story.furthest)),
        Taken::Refused(symptom) => Some((symptom, link_of_refusal(story, record, symptom))),
        Taken::Accepted | Taken::Neutral => None,
    }
}

/// How the login that a challenge began came to its end: the step that did not come, or that was refused.
fn stop_of_login(trail: &Trail, challenge: RecordId) -> Symptom {
    let flow = trail.flows.get(trail.flows_of(challenge).start);
    let records = || {
        flow.into_iter().flat_map(|flow| &flow.records).filter(|id| **id > challenge).filter_map(|id| trail.record(*id))
    };
    let last = |kind: Kind| records().rfind(|record| record.kind == kind);
    if let Some(response) = last(Kind::TokenResponse) {
        let refused = matches!(response.number(Field::Status), Some(400..=599));
        return if refused { Symptom::TokenError } else { Symptom::NoMcpRequest };
    }
    if let Some(response) = last(Kind::AuthorizationResponse) {
        let refused = matches!(response.state(Field::Error), State::Present(_));
        return if refused { Symptom::AuthorizationError } else { Symptom::NoTokenRequest };
    }
    if let Some(request) = last(Kind::AuthorizationRequest) {
        let refused = matches!(request.number(Field::Status), Some(400..=599));
        return if refused { Symptom::AuthorizationError } else { Symptom::NoCallback };
    }
    Symptom::NoAuthorizationRequest
}

/// A 401 to a request without a token: the way in that the protocol foresees.
fn is_challenge(record: &Record) -> bool {
    record.number(Field::Status) == Some(401) && record.state(Field::Bearer) == &State::Absent
}

/// The link at which a refusal shows.
fn link_of_refusal(story: &Story<'_>, record: &Record, symptom: Symptom) -> Link {
    match symptom {
        Symptom::SessionRefused | Symptom::RequestRefused => return Link::Session,
        Symptom::Forbidden => return Link::Renewal,
        _ => {}
    }
    match record.state(Field::Bearer) {
        State::Absent if story.has_token_before(record) => Link::TokenAttachment,
        State::Absent => story.furthest,
        _ => Link::TokenAcceptance,
    }
}

/// Where a login without a token stopped: the link after the last one that was reached.
fn furthest_link(trail: &Trail) -> Link {
    let token = trail.flows.iter().rev().find_map(|flow| flow.token).and_then(|id| trail.record(id));
    if let Some(token) = token {
        let uses = |record: &Record| record.exchange > token.exchange && record.state(Field::Bearer) != &State::Absent;
        let was_sent = trail.of_kind(Kind::McpExchange).any(|(_, record)| uses(record));
        return if was_sent { Link::TokenAcceptance } else { Link::TokenAttachment };
    }
    let has = |kind: Kind| trail.of_kind(kind).next().is_some();
    let reached = [
        (Kind::TokenRequest, Link::TokenResponse),
        (Kind::AuthorizationResponse, Link::TokenRequest),
        (Kind::AuthorizationRequest, Link::Callback),
        (Kind::RegistrationRequest, Link::AuthorizationRequest),
        (Kind::AsMetadataRequest, Link::Registration),
        (Kind::ResourceMetadataRequest, Link::AsMetadata),
    ];
    reached.into_iter().find(|(kind, _)| has(*kind)).map_or(Link::ResourceMetadata, |(_, link)| link)
}

fn authorization_request_symptom(story: &Story<'_>, record: &Record) -> Option<(Symptom, Link)> {
    if matches!(record.number(Field::Status), Some(400..=599)) {
        return Some((Symptom::AuthorizationError, Link::AuthorizationRequest));
    }
    let unanswered = matches!(record.bound(Binding::AuthorizationResponse), Bound::None(_));
    (unanswered && !story.redeems_after(record)).then_some((Symptom::NoCallback, Link::Callback))
}

fn response_symptom(story: &Story<'_>, record: &Record) -> Option<(Symptom, Link)> {
    if matches!(record.state(Field::Error), State::Present(_)) {
        return Some((Symptom::AuthorizationError, Link::AuthorizationRequest));
    }
    let has_code = matches!(record.state(Field::Code), State::Present(_));
    let never_redeemed = matches!(record.bound(Binding::TokenRequest), Bound::None(_));
    (has_code && never_redeemed && !story.redeems_after(record))
        .then_some((Symptom::NoTokenRequest, Link::TokenRequest))
}

fn token_symptom(record: &Record) -> Option<(Symptom, Link)> {
    match record.number(Field::Status) {
        Some(200..=299) if !is_readable(record) => Some((Symptom::Unreadable, Link::TokenResponse)),
        Some(200..=299) if record.state(Field::AccessToken) == &State::Absent => {
            Some((Symptom::TokenError, Link::TokenResponse))
        }
        Some(200..=299) => {
            let never_used = matches!(record.bound(Binding::NextMcpExchange), Bound::None(_));
            never_used.then_some((Symptom::NoMcpRequest, Link::TokenAttachment))
        }
        // The answer refuses the request, so the link that broke is the request.
        Some(400..=599) => Some((Symptom::TokenError, Link::TokenRequest)),
        _ => None,
    }
}

/// Discovery and registration that a page could not read. Errors of theirs show in what does not follow.
fn discovery_symptom(trail: &Trail, record: &Record) -> Option<(Symptom, Link)> {
    let link = match record.kind {
        Kind::ResourceMetadataRequest => Link::ResourceMetadata,
        Kind::AsMetadataRequest => Link::AsMetadata,
        _ => Link::Registration,
    };
    let hidden = matches!(record.number(Field::Status), Some(200..=299)) && !is_readable(record);
    (hidden || is_blocked(trail, record)).then_some((Symptom::Unreadable, link))
}

/// Whether the browser sent nothing, as the preflight brought no permission.
fn is_blocked(trail: &Trail, record: &Record) -> bool {
    let preflight = record.found(Binding::Preflight).and_then(|id| trail.record(id));
    record.state(Field::Status) == &State::Absent
        && preflight.is_some_and(|preflight| preflight.state(Field::AllowOrigin) == &State::Absent)
}

/// Whether the protocol foresees such a refusal: a challenge, expiry, step-up, the end of a session.
fn is_foreseen(record: &Record, symptom: Symptom) -> bool {
    match symptom {
        Symptom::Unauthorized | Symptom::Forbidden | Symptom::SessionRefused | Symptom::RequestRefused => true,
        Symptom::NoAuthorizationRequest | Symptom::NoCallback | Symptom::NoTokenRequest => {
            // A client may leave an attempt and begin another, as long as one of them ends with a token.
            true
        }
        Symptom::TokenError => record.text(Field::Error) == Some("authorization_pending"),
        _ => false,
    }
}

/// The later step that repairs a symptom.
fn repair(story: &Story<'_>, id: RecordId, record: &Record, symptom: Symptom) -> Option<RecordId> {
    let accepted_after = || first_after(&story.accepted_with_token, record.exchange);
    match symptom {
        Symptom::Unauthorized
        | Symptom::Forbidden
        | Symptom::SessionRefused
        | Symptom::RequestRefused
        | Symptom::NoAuthorizationRequest => story.repair_of_refusal(record, symptom),
        Symptom::Unreadable if record.kind == Kind::McpExchange => story.repair_of_refusal(record, symptom),
        Symptom::Unreadable if record.kind != Kind::TokenResponse => {
            let read = story.read.get(&record.kind);
            read.and_then(|read| first_after(read, record.exchange)).or_else(accepted_after)
        }
        Symptom::TokenError => {
            let later = story.tokens.iter().find(|(exchange, other)| *other > id && *exchange > record.exchange);
            later.map(|(_, id)| *id).or_else(accepted_after)
        }
        _ => accepted_after(),
    }
}

/// Records in time order, each with its exchange.
type Steps = Vec<(ExchangeId, RecordId)>;

/// The HTTP method and the JSON-RPC method of an MCP exchange.
type Operation<'t> = (Option<&'t str>, Option<&'t str>);

/// The first step after an exchange.
fn first_after(steps: &Steps, exchange: ExchangeId) -> Option<RecordId> {
    steps.get(steps.partition_point(|(other, _)| *other <= exchange)).map(|(_, id)| *id)
}

/// What a trail holds that may repair a symptom, found once: a client that is refused ten thousand times must not cost
/// the square of it.
struct Story<'t> {
    trail: &'t Trail,
    /// MCP exchanges that were accepted.
    accepted: Steps,
    /// Those of them that came with a token, or with one that the exporter hides.
    accepted_with_token: Steps,
    accepted_by_operation: HashMap<Operation<'t>, Steps>,
    accepted_by_method: HashMap<Option<&'t str>, Steps>,
    /// How often an operation was refused once the client had a token.
    refused_with_token: HashMap<Operation<'t>, usize>,
    /// The first MCP exchange that came with a token.
    first_with_token: Option<ExchangeId>,
    /// The last request for resource metadata.
    last_discovery: Option<ExchangeId>,
    /// The last token request with a code.
    last_redemption: Option<ExchangeId>,
    /// Discovery and registration that succeeded and could be read, by kind.
    read: HashMap<Kind, Steps>,
    /// Token responses that gave a token.
    tokens: Steps,
    /// Sessions that the client ended.
    ended: EndedSessions<'t>,
    /// Where a login without a token stopped.
    furthest: Link,
}

impl<'t> Story<'t> {
    fn of(trail: &'t Trail) -> Self {
        let mut story = Story {
            trail,
            accepted: Steps::new(),
            accepted_with_token: Steps::new(),
            accepted_by_operation: HashMap::new(),
            accepted_by_method: HashMap::new(),
            refused_with_token: HashMap::new(),
            first_with_token: None,
            last_discovery: None,
            last_redemption: None,
            read: HashMap::new(),
            tokens: Steps::new(),
            ended: EndedSessions::of(trail.of_kind(Kind::McpExchange).map(|(_, exchange)| exchange)),
            furthest: furthest_link(trail),
        };
        for (at, record) in trail.records.iter().enumerate().filter(|(_, record)| !record.is_upstream) {
            let step = (record.exchange, RecordId(at as u32));
            match record.kind {
                Kind::McpExchange => story.add_exchange(step, record),
                Kind::TokenRequest if matches!(record.state(Field::Code), State::Present(_)) => {
                    story.last_redemption = Some(record.exchange);
                }
                Kind::TokenResponse if token_symptom(record).is_none() => story.tokens.push(step),
                Kind::RegistrationRequest | Kind::ResourceMetadataRequest | Kind::AsMetadataRequest => {
                    if record.kind == Kind::ResourceMetadataRequest {
                        story.last_discovery = story.last_discovery.max(Some(record.exchange));
                    }
                    if matches!(record.number(Field::Status), Some(200..=299 | 304)) && is_readable(record) {
                        story.read.entry(record.kind).or_default().push(step);
                    }
                }
                _ => {}
            }
        }
        story
    }

    fn add_exchange(&mut self, step: (ExchangeId, RecordId), record: &'t Record) {
        let method = record.text(Field::Method);
        let operation = (method, record.text(Field::JsonrpcMethod));
        match taken(record) {
            Taken::Accepted => {
                self.accepted.push(step);
                self.accepted_by_operation.entry(operation).or_default().push(step);
                self.accepted_by_method.entry(method).or_default().push(step);
                if record.state(Field::Bearer) != &State::Absent {
                    self.accepted_with_token.push(step);
                }
            }
            Taken::Refused(_) if self.has_token_before(record) => {
                *self.refused_with_token.entry(operation).or_default() += 1;
            }
            Taken::Refused(_) | Taken::Neutral => {}
        }
        if self.first_with_token.is_none()
            && matches!(record.state(Field::Bearer), State::Present(_) | State::Unread(_))
        {
            self.first_with_token = Some(record.exchange);
        }
    }

    /// Whether a request other than a POST comes with the id of a session that the client has ended before.
    fn is_closed(&self, record: &Record) -> bool {
        record.text(Field::Method) != Some("POST") && self.ended.before(record)
    }

    /// Whether the client redeemed a code after this: of several attempts it went on with that one, and how it took the
    /// others tells nothing.
    fn redeems_after(&self, record: &Record) -> bool {
        self.last_redemption > Some(record.exchange)
    }

    /// Whether the client had a usable token when it sent this.
    fn has_token_before(&self, record: &Record) -> bool {
        record.found(Binding::NewestTokenResponse).is_some()
            || self.first_with_token.is_some_and(|first| first < record.exchange)
    }

    /// A refused MCP exchange is repaired by a later accepted one: of the same operation; or of the same method, where
    /// the operation was not refused again once the client had a token; or of any, where it was the challenge before the
    /// login.
    fn repair_of_refusal(&self, record: &Record, symptom: Symptom) -> Option<RecordId> {
        let method = record.text(Field::Method);
        let operation = (method, record.text(Field::JsonrpcMethod));
        let after = |steps: Option<&Steps>| first_after(steps?, record.exchange);
        if let Some(id) = after(self.accepted_by_operation.get(&operation)) {
            return Some(id);
        }
        let had_token = self.has_token_before(record) || !matches!(record.state(Field::Bearer), State::Absent);
        if !had_token {
            return after(Some(&self.accepted));
        }
        let refused_again = self.refused_with_token.get(&operation).is_some_and(|count| *count > 1);
        if symptom == Symptom::Forbidden || refused_again {
            return None;
        }
        after(self.accepted_by_method.get(&method))
    }
}
