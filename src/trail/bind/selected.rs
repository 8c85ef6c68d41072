//! Selections of the records of a trail that bindings look through again and again, made once.
//!
//! Without them every exchange would look through every other one: a recording may hold many thousands.

use std::borrow::Cow;

use foldhash::{HashMap, HashSet};

use super::{Binder, is_accepted, is_usable};
use crate::trail::read::urls;
use crate::trail::record::{EndedSessions, ExchangeId, Record, RecordId, State};
use crate::trail::schema::{Field, Kind};
use crate::trail::view::View;

/// The selections. Lists are in time order.
#[derive(Default)]
pub(crate) struct Selected<'a> {
    /// MCP exchanges refused with 401 or 403.
    pub refused: Vec<RecordId>,
    /// MCP exchanges without token that were refused with 401.
    pub refused_without_token: HashMap<Methods<'a>, Vec<RecordId>>,
    /// MCP exchanges with a token that were accepted.
    pub accepted: Vec<RecordId>,
    /// Initialize exchanges.
    pub initializes: Vec<RecordId>,
    /// Refresh requests.
    pub refreshes: Vec<RecordId>,
    /// Usable token responses.
    pub usable: Vec<RecordId>,
    /// Whether any of them came with a refresh token, or with what may be one.
    pub gives_refresh_tokens: bool,
    /// Resource metadata that can be read.
    pub metadata: Vec<RecordId>,
    /// The next MCP exchange with the same method and message.
    pub retry_of: HashMap<RecordId, RecordId>,
    /// MCP exchanges by the URL to which they redirect.
    pub by_location: HashMap<String, Vec<RecordId>>,
    /// MCP exchanges by URL; empty where nothing redirects.
    pub by_url: HashMap<String, Vec<RecordId>>,
    /// Whether by TLS, and on which port, anything was asked in the recordings; empty where nothing redirects.
    pub spoken: HashSet<(bool, u16)>,
    /// Targets of redirects that were asked with GET in the recordings, whatever they are.
    pub gotten: HashSet<String>,
    /// The first token response with this access or id token.
    pub issuing: HashMap<&'a str, RecordId>,
    /// MCP exchanges by token.
    pub by_token: HashMap<&'a str, Vec<RecordId>>,
    /// Sessions by id.
    pub sessions: HashMap<&'a str, RecordId>,
    /// The refusals of each session, until the client ended it.
    pub session_refusals: HashMap<&'a str, Vec<RecordId>>,
    /// The first uses of tokens that no token response brought: MCP exchanges, and refreshes.
    pub unminted_tokens: Vec<RecordId>,
    /// The first token requests with codes that no authorization response brought.
    pub unminted_codes: Vec<RecordId>,
    /// The first authorization responses with states that no authorization request sent.
    pub unminted_states: Vec<RecordId>,
    /// The first requests to authorization servers at origins of their own that no resource metadata names.
    pub unnamed_issuers: Vec<RecordId>,
    /// Authorization requests without a state, or with one that no authorization response brought back.
    pub open: Vec<RecordId>,
    /// Authorization requests by state.
    pub requests_of_state: HashMap<&'a str, Vec<RecordId>>,
    /// Authorization requests by challenge.
    pub by_challenge: HashMap<&'a str, Vec<RecordId>>,
    /// Authorization responses by state.
    pub responses_of_state: HashMap<&'a str, Vec<RecordId>>,
    /// Authorization responses by code.
    pub bringing: HashMap<&'a str, Vec<RecordId>>,
    /// Token requests by code.
    pub redeeming: HashMap<&'a str, Vec<RecordId>>,
    /// The first authorization response that stands in the redirect of an exchange.
    pub response_in: HashMap<ExchangeId, RecordId>,
    /// Where what cannot be read may still come.
    pub hidden: Hidden,
    /// The authorization request whose answer brought the code of a token request.
    pub login_of: HashMap<ExchangeId, RecordId>,
    /// Token requests by what they redeem.
    pub uses: HashMap<Redeemed<'a>, Uses>,
    /// Introspection requests by the token that they ask about.
    pub introspections: HashMap<&'a str, Vec<RecordId>>,
    /// Revocation requests by the token that they name.
    pub revocations: HashMap<&'a str, Vec<RecordId>>,
    /// Token responses by refresh token.
    pub by_refresh_token: HashMap<&'a str, Vec<RecordId>>,
    /// The preflight of each request.
    pub preflight_of: HashMap<ExchangeId, ExchangeId>,
    /// The further sighting of each MCP exchange.
    pub upstream_of: HashMap<ExchangeId, RecordId>,
}

/// Where something stands last that may be what is looked for and cannot be read.
#[derive(Default)]
pub(crate) struct Hidden {
    /// The last authorization response.
    pub response: Option<ExchangeId>,
    /// The last authorization response with a state that cannot be read.
    pub state: Option<ExchangeId>,
    /// The last token request with a code, or with what may be one.
    pub redemption: Option<ExchangeId>,
    /// The last token request with a code that cannot be read.
    pub code: Option<ExchangeId>,
    /// The last POST with a body that cannot be read, by origin.
    pub post: HashMap<String, ExchangeId>,
}

/// Whether there is a value that cannot be read.
pub(super) fn hides(state: &State) -> bool {
    matches!(state, State::Unread(_) | State::Unknown(_))
}

/// What a token request redeems.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Redeemed<'a> {
    /// A code, a refresh token or an assertion.
    pub field: Field,
    /// Its value.
    pub value: &'a str,
    /// The issuer that it is redeemed at.
    pub issuer: Option<&'a str>,
    /// The login that brought a code: a server may mint the same code again for another one.
    pub login: Option<RecordId>,
}

/// The token requests that redeem the same, in time order.
#[derive(Default)]
pub(crate) struct Uses {
    /// All of them.
    pub all: Vec<RecordId>,
    /// Those that were answered with a usable token.
    pub granted: Vec<RecordId>,
}

impl<'a> Selected<'a> {
    pub(super) fn new(binder: &Binder<'a>) -> Self {
        let mut selected = Selected::default();
        selected.select_exchanges(binder);
        for (id, request) in binder.of_kind(Kind::TokenRequest) {
            if request.text(Field::GrantType) == Some("refresh_token") {
                selected.refreshes.push(id);
            }
        }
        for (id, response) in binder.of_kind(Kind::TokenResponse) {
            if is_usable(response) {
                selected.usable.push(id);
                selected.gives_refresh_tokens |= response.state(Field::RefreshToken) != &State::Absent;
            }
            for token in [Field::AccessToken, Field::IdToken].into_iter().filter_map(|field| response.text(field)) {
                selected.issuing.entry(token).or_insert(id);
            }
        }
        for (id, metadata) in binder.of_kind(Kind::ResourceMetadataRequest) {
            if matches!(metadata.state(Field::DocumentResource), State::Present(_)) {
                selected.metadata.push(id);
            }
        }
        for (id, session) in binder.of_kind(Kind::Session) {
            if let Some(name) = session.text(Field::SessionId) {
                selected.sessions.entry(name).or_insert(id);
            }
        }
        selected.unminted_tokens = unminted(
            binder,
            (Kind::McpExchange, Field::Bearer),
            (Kind::TokenResponse, &[Field::AccessToken, Field::IdToken]),
        );
        let refreshes =
            unminted(binder, (Kind::TokenRequest, Field::RefreshToken), (Kind::TokenResponse, &[Field::RefreshToken]));
        selected.unminted_tokens.extend(refreshes);
        selected.unminted_tokens.sort_unstable();
        selected.unnamed_issuers = unnamed_issuers(binder);
        selected.unminted_codes =
            unminted(binder, (Kind::TokenRequest, Field::Code), (Kind::AuthorizationResponse, &[Field::Code]));
        selected.unminted_states = unminted(
            binder,
            (Kind::AuthorizationResponse, Field::State),
            (Kind::AuthorizationRequest, &[Field::State]),
        );
        let responses = binder.of_kind(Kind::AuthorizationResponse);
        let answered: HashSet<&str> = responses.filter_map(|(_, response)| response.text(Field::State)).collect();
        let requests = binder.of_kind(Kind::AuthorizationRequest);
        let is_open = |(_, request): &(RecordId, &Record)| {
            request.text(Field::State).is_none_or(|state| !answered.contains(state))
        };
        selected.open = requests.filter(is_open).map(|(id, _)| id).collect();
        selected.introspections = by_value(binder, Kind::IntrospectionRequest, Field::Token);
        selected.revocations = by_value(binder, Kind::RevocationRequest, Field::Token);
        selected.by_refresh_token = by_value(binder, Kind::TokenResponse, Field::RefreshToken);
        selected.requests_of_state = by_value(binder, Kind::AuthorizationRequest, Field::State);
        selected.by_challenge = by_value(binder, Kind::AuthorizationRequest, Field::CodeChallenge);
        selected.responses_of_state = by_value(binder, Kind::AuthorizationResponse, Field::State);
        selected.bringing = by_value(binder, Kind::AuthorizationResponse, Field::Code);
        selected.redeeming = by_value(binder, Kind::TokenRequest, Field::Code);
        selected.select_hidden(binder);
        selected.pair(binder);
        selected
    }

    fn select_hidden(&mut self, binder: &Binder<'a>) {
        for (id, response) in binder.of_kind(Kind::AuthorizationResponse) {
            if let Some(redirect) = response.slot(Field::RedirectSeen) {
                self.response_in.entry(redirect.exchange).or_insert(id);
            }
            self.hidden.response = Some(response.exchange);
            if hides(response.state(Field::State)) {
                self.hidden.state = Some(response.exchange);
            }
        }
        for (_, request) in binder.of_kind(Kind::TokenRequest) {
            let code = request.state(Field::Code);
            if code != &State::Absent {
                self.hidden.redemption = Some(request.exchange);
            }
            if hides(code) {
                self.hidden.code = Some(request.exchange);
            }
        }
        for (at, view) in binder.views.iter().enumerate() {
            if view.method() == "POST" && view.form.is_err() {
                self.hidden.post.insert(view.origin().to_owned(), ExchangeId(at as u32));
            }
        }
    }

    fn select_exchanges(&mut self, binder: &Binder<'a>) {
        let mut next: HashMap<[u8; 32], RecordId> = HashMap::default();
        let ended = EndedSessions::of(binder.of_kind(Kind::McpExchange).map(|(_, exchange)| exchange));
        for (id, exchange) in binder.of_kind(Kind::McpExchange).rev() {
            if let Some(later) = message_digest(binder, exchange).and_then(|digest| next.insert(digest, id)) {
                self.retry_of.insert(id, later);
            }
        }
        for (id, exchange) in binder.of_kind(Kind::McpExchange) {
            let status = exchange.number(Field::Status);
            if matches!(status, Some(401 | 403)) {
                self.refused.push(id);
            }
            if status == Some(401) && exchange.state(Field::Bearer) == &State::Absent {
                self.refused_without_token.entry(methods_of(exchange)).or_default().push(id);
            }
            let carries_token = matches!(exchange.state(Field::Bearer), State::Present(_) | State::Unread(_));
            if carries_token && is_accepted(exchange) {
                self.accepted.push(id);
            }
            if exchange.text(Field::JsonrpcMethod) == Some("initialize") {
                self.initializes.push(id);
            }
            if let Some(token) = exchange.text(Field::Bearer) {
                self.by_token.entry(token).or_default().push(id);
            }
            if let (Some(session), Some(400 | 401 | 403 | 404)) = (exchange.text(Field::SessionId), status)
                && !ended.before(exchange)
                && tells_of_session(exchange)
            {
                self.session_refusals.entry(session).or_default().push(id);
            }
            if let Some(location) = binder.view(exchange).and_then(|view| view.location.as_deref()) {
                self.by_location.entry(urls::normal(location).into_owned()).or_default().push(id);
            }
        }
        if !self.by_location.is_empty() {
            let gets = binder.views.iter().filter(|view| view.method() == "GET").map(View::normal_url);
            self.gotten = gets.filter(|url| self.by_location.contains_key(&**url)).map(Cow::into_owned).collect();
            let origins: HashSet<&str> = binder.views.iter().map(View::origin).collect();
            self.spoken = origins.into_iter().filter_map(urls::tls_and_port).collect();
            for (id, exchange) in binder.of_kind(Kind::McpExchange) {
                let url = exchange.text(Field::Url).map(urls::normal).unwrap_or_default();
                self.by_url.entry(url.into_owned()).or_default().push(id);
            }
        }
    }

    fn pair(&mut self, binder: &Binder<'a>) {
        for (preflight, actual) in &binder.pairs.preflights {
            self.preflight_of.entry(*actual).or_insert(*preflight);
        }
        let upstream = binder.records.iter().enumerate().filter(|(_, record)| record.is_upstream);
        let upstream: HashMap<ExchangeId, RecordId> = upstream
            .filter(|(_, record)| record.kind == Kind::McpExchange)
            .map(|(at, record)| (record.exchange, RecordId(at as u32)))
            .collect();
        for (near, far) in &binder.pairs.hops {
            if let Some(id) = upstream.get(far) {
                self.upstream_of.entry(*near).or_insert(*id);
            }
        }
    }
}

/// HTTP method and JSON-RPC method of an exchange, where they can be read.
pub(super) type Methods<'a> = (Option<&'a str>, Option<&'a str>);

pub(super) fn methods_of(exchange: &Record) -> Methods<'_> {
    (exchange.text(Field::Method), exchange.text(Field::JsonrpcMethod))
}

/// The records in which a value is used first that no record brought that would.
fn unminted(binder: &Binder<'_>, (used_in, used): (Kind, Field), (minted_in, by): (Kind, &[Field])) -> Vec<RecordId> {
    let holders = binder.of_kind(minted_in);
    let mut minted: Vec<&str> =
        holders.flat_map(|(_, record)| by.iter().filter_map(|field| record.text(*field))).collect();
    minted.sort_unstable();
    let is_minted = |value: &str| {
        // A token that was cut off on its way was issued all the same.
        minted.get(minted.partition_point(|known| *known < value)).is_some_and(|known| known.starts_with(value))
    };
    let mut seen: HashSet<&str> = HashSet::default();
    let uses = binder.of_kind(used_in).filter_map(|(id, record)| Some((id, record.text(used)?)));
    uses.filter(|(_, value)| !is_minted(value) && seen.insert(value)).map(|(id, _)| id).collect()
}

/// The first request to each authorization server that no resource metadata names and that is not at the origin of the
/// MCP server: the client learnt of it from metadata that is not recorded, or was told by its user.
fn unnamed_issuers(binder: &Binder<'_>) -> Vec<RecordId> {
    const STEPS: [Kind; 4] =
        [Kind::AsMetadataRequest, Kind::RegistrationRequest, Kind::AuthorizationRequest, Kind::TokenRequest];
    let origin = |url: Option<&str>| url.and_then(urls::origin);
    let servers = binder.of_kind(Kind::McpExchange).filter_map(|(_, exchange)| origin(exchange.text(Field::Url)));
    let metadata = binder.of_kind(Kind::ResourceMetadataRequest);
    let issuers = metadata.flat_map(|(_, document)| document.list(Field::DocumentAuthorizationServers));
    let mut known: HashSet<String> = servers.chain(issuers.filter_map(|issuer| urls::origin(issuer))).collect();
    let mut steps: Vec<(RecordId, &Record)> = STEPS.into_iter().flat_map(|kind| binder.of_kind(kind)).collect();
    steps.sort_unstable_by_key(|(id, _)| *id);
    let unnamed =
        steps.into_iter().filter(|(_, step)| origin(step.text(Field::Url)).is_some_and(|it| known.insert(it)));
    unnamed.map(|(id, _)| id).collect()
}

/// The records of a kind by a value of theirs, in time order.
fn by_value<'a>(binder: &Binder<'a>, kind: Kind, field: Field) -> HashMap<&'a str, Vec<RecordId>> {
    let mut by_value: HashMap<&str, Vec<RecordId>> = HashMap::default();
    for (id, record) in binder.of_kind(kind) {
        if let Some(value) = record.text(field) {
            by_value.entry(value).or_default().push(id);
        }
    }
    by_value
}

/// The last of a list before the exchange of a record.
pub(super) fn last_of(binder: &Binder<'_>, list: &[RecordId], record: &Record) -> Option<RecordId> {
    let before = list.partition_point(|id| binder.record(*id).is_some_and(|other| other.exchange < record.exchange));
    list.get(before.checked_sub(1)?).copied()
}

/// The first of a list after the exchange of a record.
pub(super) fn first_of(binder: &Binder<'_>, list: &[RecordId], record: &Record) -> Option<RecordId> {
    let until = list.partition_point(|id| binder.record(*id).is_some_and(|other| other.exchange <= record.exchange));
    list.get(until).copied()
}

/// Those of a list at or before the exchange of a record.
pub(super) fn until<'l>(binder: &Binder<'_>, list: Option<&'l Vec<RecordId>>, record: &Record) -> &'l [RecordId] {
    let list = list.map_or(&[][..], Vec::as_slice);
    let until = list.partition_point(|id| binder.record(*id).is_some_and(|other| other.exchange <= record.exchange));
    list.get(..until).unwrap_or_default()
}

/// Those of a list at or after the exchange of a record.
pub(super) fn since<'l>(binder: &Binder<'_>, list: Option<&'l Vec<RecordId>>, record: &Record) -> &'l [RecordId] {
    let list = list.map_or(&[][..], Vec::as_slice);
    let since = list.partition_point(|id| binder.record(*id).is_some_and(|other| other.exchange < record.exchange));
    list.get(since..).unwrap_or_default()
}

/// What two exchanges share that send the same: HTTP method, JSON-RPC method, parameters.
fn message_digest(binder: &Binder<'_>, exchange: &Record) -> Option<[u8; 32]> {
    let view = binder.view(exchange)?;
    let first = view.messages().first();
    let mut hasher = blake3::Hasher::new();
    hasher.update(view.method().as_bytes());
    let method = first.and_then(|message| message.method());
    hasher.update(&[u8::from(method.is_some())]).update(method.unwrap_or_default().as_bytes());
    if let Some(params) = first.and_then(|message| message.params()) {
        hasher.update(b"\0").update(params.to_string().as_bytes());
    }
    Some(*hasher.finalize().as_bytes())
}

/// Whether a refusal says something about the session that is named: 400 and 404 to a GET also mean that there is no stream
/// to listen to, and to a DELETE that there is nothing left to end.
fn tells_of_session(refused: &Record) -> bool {
    match (refused.text(Field::Method), refused.number(Field::Status)) {
        (Some("DELETE"), Some(400 | 404)) => false,
        (Some("GET"), Some(400 | 404)) => refused.text(Field::RefusalReadsAs) == Some("session"),
        _ => true,
    }
}
