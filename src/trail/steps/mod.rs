//! Turns exchanges whose role is known into records, field by field.

mod assertions;
mod authorization;
mod dpop;
mod endpoints;
mod event;
mod exchange;
mod headers;
mod mcp;
mod message;
mod metadata;
mod token;

pub(crate) use authorization::authorization_responses;
pub(crate) use headers::pair;
pub(crate) use message::messages;

use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use serde_json::Value as Json;

use super::classify::Directory;
use super::read::params::Params;
use super::read::urls;
use super::record::{ExchangeId, Record, State, Value};
use super::schema::{Field, Kind};
use super::view::{View, media_type};
use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Unknown};
use crate::decode::is_mask;

/// What the builders of records look at.
pub(crate) struct Context<'a> {
    /// Addresses of the incident.
    pub directory: &'a Directory,
    /// Limits of the readers.
    pub limits: &'a Limits,
}

/// The records of one exchange. Authorization responses are put together elsewhere: they may be two exchanges.
pub(crate) fn records(view: &View<'_>, id: ExchangeId, role: Kind, context: &Context<'_>) -> Vec<Record> {
    let mut record = Record::new(role, id);
    exchange_fields(view, &mut record, context.limits);
    match role {
        Kind::McpExchange => {
            mcp::fill(view, &mut record, context.limits);
            exchange::fill(view, &mut record, context);
        }
        Kind::ResourceMetadataRequest => metadata::fill_resource(view, &mut record, context.limits),
        Kind::AsMetadataRequest => metadata::fill_authorization_server(view, &mut record, context.limits),
        Kind::ClientMetadataFetch => metadata::fill_client(view, &mut record, context.limits),
        Kind::RegistrationRequest => metadata::fill_registration(view, &mut record, context),
        Kind::AuthorizationRequest => authorization::fill_request(view, &mut record, context.directory, context.limits),
        Kind::TokenRequest => {
            token::fill_request(view, &mut record, context.directory);
            let mut response = Record::new(Kind::TokenResponse, id);
            exchange_fields(view, &mut response, context.limits);
            token::fill_response(view, &mut response, context.directory, context.limits);
            return vec![record, response];
        }
        Kind::Preflight => fill_preflight(view, &mut record),
        Kind::DeviceAuthorizationRequest => endpoints::fill_device_authorization(view, &mut record, context),
        Kind::IntrospectionRequest => endpoints::fill_introspection(view, &mut record, context),
        Kind::RevocationRequest => endpoints::fill_revocation(view, &mut record, context),
        Kind::KeySetRequest => endpoints::fill_key_set(view, &mut record, context),
        _ => return Vec::new(),
    }
    vec![record]
}

/// The fields that every exchange has.
fn exchange_fields(view: &View<'_>, record: &mut Record, limits: &Limits) {
    let exchange = view.exchange;
    let time = |time: Option<crate::evidence::Timestamp>| match time {
        Some(time) => State::Present(Value::Number(time.0)),
        None => State::Unknown(Unknown::ResponseNotRecorded),
    };
    record.set(Field::SentAt, time(exchange.sent_at), "request.time");
    record.set(Field::AnsweredAt, time(exchange.answered_at), "response.time");
    let status = match &exchange.answer {
        Answer::Received(response) => State::Present(Value::Number(i64::from(response.status))),
        Answer::None(_) => State::Absent,
        Answer::NotRecorded => State::Unknown(Unknown::ResponseNotRecorded),
    };
    record.set(Field::Status, status, "response.status");
    record.set(Field::Url, State::Present(Value::from(view.url.as_str())), "request.url");
    let asked = if is_forwarded(view) { State::Unknown(Unknown::LegNotRecorded) } else { State::text(Some(&view.url)) };
    record.set(Field::AskedUrl, asked, "request.url");
    set_origin(record, view.request_header("origin"), view.origin(), record.exchange);
    let allow_origin = view.response_header("access-control-allow-origin");
    record.set(Field::AllowOrigin, allow_origin, "response.header.access-control-allow-origin");
    record.set(Field::ExposedHeaders, exposed_headers(view), "response.header.access-control-expose-headers");
    let media_type = match view.response_header("content-type") {
        State::Present(_) => State::text(Some(&view.response_media_type())),
        other => other,
    };
    record.set(Field::ResponseContentType, media_type, "response.header.content-type");
    record.set(Field::EdgeMarks, edge_marks(view, limits), "response.header");
    record.set(Field::PlainHttp, plain_http(view), "request.url");
}

/// Sets the origin of the page and whether it differs from the one asked (Fetch, 4.5). `null` differs from all.
pub(crate) fn set_origin(record: &mut Record, origin: State, asked: &str, stands_in: ExchangeId) {
    let crosses = match &origin {
        State::Present(Value::Text(origin)) => State::Present(Value::Flag(**origin != *asked)),
        State::Absent => State::Present(Value::Flag(false)),
        State::Unknown(reason) | State::Unread(reason) => State::Unknown(*reason),
        State::Present(_) => State::Unknown(Unknown::Opaque),
    };
    record.set_at(Field::CrossOrigin, crosses, stands_in, "request.header.origin");
    record.set_at(Field::Origin, origin, stands_in, "request.header.origin");
}

/// The response headers that a page of another origin may read (Fetch, 3.3.2 and 2.2.2).
fn exposed_headers(view: &View<'_>) -> State {
    /// In order.
    static SAFELISTED: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
        ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"]
            .map(Arc::from)
            .to_vec()
    });
    let Some(response) = view.exchange.answer.response() else {
        return view.response_header("access-control-expose-headers");
    };
    let mut names = SAFELISTED.clone();
    for value in response.headers.all("access-control-expose-headers") {
        for name in value.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            if name == "*" {
                names.extend(response.headers.list.iter().map(|header| header.name.to_ascii_lowercase().into()));
            } else if !name.is_empty() {
                names.push(name.into());
            }
        }
    }
    names.sort();
    names.dedup();
    State::Present(Value::List(names))
}

/// Whether a request went unprotected over a network. Behind a proxy that ends TLS the far side is not seen.
fn plain_http(view: &View<'_>) -> State {
    if is_forwarded(view) {
        return State::Unknown(Unknown::LegNotRecorded);
    }
    State::Present(Value::Flag(urls::is_plain_http(&view.url)))
}

/// Whether the request shows that a proxy sent it on: by what proxies add, or by HTTP/1.0, which proxies speak to the
/// server behind them and no MCP client does.
fn is_forwarded(view: &View<'_>) -> bool {
    const MARKS: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via"];
    let request = &view.exchange.request;
    MARKS.iter().any(|name| request.headers.get(name).is_some()) || request.version.as_deref() == Some("http/1.0")
}

/// Headers that only an edge, a gateway or a proxy adds, and the error pages that it makes itself.
fn edge_marks(view: &View<'_>, limits: &Limits) -> State {
    const MARKS: [&str; 12] = [
        "via",
        "cf-ray",
        "cf-mitigated",
        "x-amzn-requestid",
        "x-amz-cf-id",
        "x-amzn-waf-action",
        "x-azure-ref",
        "x-cache",
        "x-envoy-upstream-service-time",
        "x-kong-upstream-latency",
        "x-vercel-id",
        "fly-request-id",
    ];
    /// The last line of the built-in pages of nginx and of what was made from it; of the AWS load balancer.
    const PAGES: [&str; 4] = ["<center>nginx", "<center>openresty", "<center>cloudflare", "<center>awselb"];
    let Some(response) = view.exchange.answer.response() else {
        return State::Unknown(Unknown::ResponseNotRecorded);
    };
    let mut found: Vec<Arc<str>> =
        MARKS.into_iter().filter(|mark| response.headers.get(mark).is_some()).map(Arc::from).collect();
    // What carries its name alone has been made or passed on by it.
    if response.headers.get("server").is_some_and(is_edge) {
        found.push("server".into());
    }
    let is_page = response.status >= 400 && view.response_media_type() == "text/html";
    if is_page && view.answer_mentions(&PAGES.map(Finder::new), limits) {
        found.push("error page".into());
    }
    if found.is_empty() { State::Absent } else { State::Present(Value::List(found)) }
}

/// Whether `Server` names a product that stands before other servers and is none itself.
fn is_edge(server: &str) -> bool {
    const EDGES: [&str; 4] = ["cloudflare", "cloudfront", "akamaighost", "awselb"];
    let product = server.split(['/', ' ', '(']).next().unwrap_or_default();
    EDGES.iter().any(|name| product.eq_ignore_ascii_case(name))
}

fn fill_preflight(view: &View<'_>, record: &mut Record) {
    let requested = lower_case_list(view.request_header("access-control-request-headers"));
    record.set(Field::RequestedHeaders, requested, "request.header.access-control-request-headers");
    let allowed = lower_case_list(view.response_header("access-control-allow-headers"));
    record.set(Field::AllowHeaders, allowed, "response.header.access-control-allow-headers");
}

/// A comma-separated header as a list in lower case.
pub(crate) fn lower_case_list(state: State) -> State {
    match state {
        State::Present(Value::Text(text)) => {
            let items = text.split(',').map(|item| item.trim().to_ascii_lowercase());
            State::Present(Value::List(items.filter(|item| !item.is_empty()).map(Arc::from).collect()))
        }
        other => other,
    }
}

/// A space-separated list (`scope`, RFC 6749, 3.3).
pub(crate) fn space_list(state: State) -> State {
    match state {
        State::Present(Value::Text(text)) => {
            State::Present(Value::List(text.split(' ').filter(|item| !item.is_empty()).map(Arc::from).collect()))
        }
        other => other,
    }
}

/// Media type of the request body, lower case, without parameters.
pub(super) fn request_media_type(view: &View<'_>) -> State {
    match view.request_header("content-type") {
        State::Present(_) => State::text(Some(&media_type(&view.exchange.request.headers))),
        other => other,
    }
}

/// What a client writes in the place of a token that it does not have.
pub(super) fn stands_for_nothing(token: &str) -> bool {
    matches!(token, "" | "undefined" | "null" | "None" | "nil" | "[object Object]")
}

/// A JSON document, or why it is not known.
pub(crate) struct Document(pub Result<Option<Json>, Unknown>);

impl Document {
    /// The document of any answer.
    fn of_answer(view: &View<'_>, limits: &Limits) -> Self {
        Document(view.response_json(limits).map(|document| document.cloned()))
    }

    /// The document of a successful answer. An error page is no document: its members are absent.
    fn of_success(view: &View<'_>, limits: &Limits) -> Self {
        match &view.exchange.answer {
            Answer::NotRecorded => Document(Err(Unknown::ResponseNotRecorded)),
            Answer::Received(response) if matches!(response.status, 200..=299 | 304) => {
                Document::of_answer(view, limits)
            }
            _ => Document(Ok(None)),
        }
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> State {
        match self.member(name, |json| json.as_str().map(Value::from)) {
            State::Present(Value::Text(text)) if is_mask(&text) => State::Unread(Unknown::RemovedByExporter),
            other => other,
        }
    }

    /// A member that is a number, also one written as a string.
    pub(crate) fn number(&self, name: &str) -> State {
        self.member(name, |json| {
            let number = json.as_i64().or_else(|| json.as_f64().map(|float| float as i64));
            number.or_else(|| json.as_str()?.parse().ok()).map(Value::Number)
        })
    }

    /// A member that is true or false.
    pub(crate) fn flag(&self, name: &str) -> State {
        self.member(name, |json| json.as_bool().map(Value::Flag))
    }

    /// A member that is a list of strings.
    pub(crate) fn list(&self, name: &str) -> State {
        let list = self.member(name, |json| {
            let items = json.as_array()?;
            Some(Value::List(items.iter().filter_map(Json::as_str).map(Arc::from).collect()))
        });
        match list {
            State::Present(Value::List(items)) if items.iter().any(|item| is_mask(item)) => {
                State::Unread(Unknown::RemovedByExporter)
            }
            other => other,
        }
    }

    fn member(&self, name: &str, read: impl Fn(&Json) -> Option<Value>) -> State {
        match &self.0 {
            Err(reason) => State::Unknown(*reason),
            Ok(document) => match document.as_ref().and_then(|document| document.get(name)) {
                None | Some(Json::Null) => State::Absent,
                Some(json) => read(json).map_or(State::Unread(Unknown::Opaque), State::Present),
            },
        }
    }
}

/// A parameter of a form or query, or why it is not known. An empty value counts as absent (RFC 6749, 3.1).
pub(crate) fn parameter(params: Result<&Params, Unknown>, name: &str) -> State {
    match params {
        Err(reason) => State::Unknown(reason),
        Ok(params) => text_or_mask(params.get(name).filter(|value| !value.is_empty())),
    }
}

/// Every value of a parameter as a list.
pub(crate) fn parameter_list(params: Result<&Params, Unknown>, name: &str) -> State {
    match params {
        Err(reason) => State::Unknown(reason),
        Ok(params) => {
            if params.all(name).any(is_mask) {
                return State::Unread(Unknown::RemovedByExporter);
            }
            let values: Vec<Arc<str>> = params.all(name).filter(|value| !value.is_empty()).map(Arc::from).collect();
            if values.is_empty() { State::Absent } else { State::Present(Value::List(values)) }
        }
    }
}

/// A text, which a mask may have been put in the place of.
fn text_or_mask(text: Option<&str>) -> State {
    match text {
        Some(text) if is_mask(text) => State::Unread(Unknown::RemovedByExporter),
        text => State::text(text),
    }
}
