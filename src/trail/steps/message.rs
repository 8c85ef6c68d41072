//! The records of JSON-RPC messages: what each says, and by which way it went.

use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use super::headers;
use crate::capture::limits::Limits;
use crate::decode::exchange::Unknown;
use crate::evidence::Part;
use crate::trail::read::content::Content;
use crate::trail::read::jsonrpc::{self, Message, Reading, Sort};
use crate::trail::read::{meta, param_header};
use crate::trail::record::{Record, Slot, State, Value};
use crate::trail::schema::{Field, Kind};
use crate::trail::view::View;

/// Where a message stands.
struct Place {
    /// `post`, `post-stream`, `get-stream`.
    via: &'static str,
    /// Place in the body or stream, from 1.
    position: usize,
    /// Length of the array, and the kinds of what stands in it.
    batch: Option<(usize, Value)>,
}

/// The messages and events of all MCP exchanges of a trail, further sightings apart.
pub(crate) fn messages(records: &[Record], views: &[View<'_>], limits: &Limits) -> Vec<Record> {
    let mut found = Vec::new();
    for exchange in records.iter().filter(|record| record.kind == Kind::McpExchange && !record.is_upstream) {
        let Some(view) = views.get(exchange.exchange.0 as usize) else { continue };
        of_client(exchange, view, &mut found);
        if let Ok(Some(content)) = view.content(limits) {
            of_server(exchange, view, content, &mut found);
            super::event::events(exchange, view, content, &mut found);
        }
    }
    found
}

/// A record that has the common fields of its exchange.
pub(super) fn record_in(exchange: &Record, kind: Kind) -> Record {
    let mut record = Record::new(kind, exchange.exchange);
    record.slots.extend(exchange.slots.iter().filter(|slot| Kind::is_common(slot.field)).cloned());
    record
}

fn of_client(exchange: &Record, view: &View<'_>, found: &mut Vec<Record>) {
    let messages = view.client_messages();
    let batch = view.batch().map(|length| (length, kinds(messages)));
    for (at, message) in messages.iter().enumerate() {
        let place = Place { via: "post", position: at + 1, batch: batch.clone() };
        let mut record = record_in(exchange, Kind::ClientMessage);
        fill(&mut record, message, &place);
        headers::fill(&mut record, message, view);
        found.push(record);
    }
}

fn of_server(exchange: &Record, view: &View<'_>, content: &Content, found: &mut Vec<Record>) {
    let streamed = if view.method() == "GET" { "get-stream" } else { "post-stream" };
    let mut position = 0;
    let mut add = |reading: &Reading, via: &'static str| {
        let batch = reading.batch.map(|length| (length, kinds(&reading.messages)));
        for message in &reading.messages {
            position += 1;
            let mut record = record_in(exchange, Kind::ServerMessage);
            fill(&mut record, message, &Place { via, position, batch: batch.clone() });
            found.push(record);
        }
    };
    add(&content.reading, "post");
    for event in &content.events {
        add(&event.reading, streamed);
    }
    // A success for a message whose body is an object, but no JSON-RPC: an answer of something else in the way.
    let is_answer = matches!(view.status(), Some(200..=299)) && !view.client_messages().is_empty();
    if let Some(json) = content.json.as_ref().filter(|_| is_answer) {
        let message = jsonrpc::taken_for_message(json);
        add(&Reading { messages: vec![message], batch: None }, "post");
    }
}

/// The kinds of some messages, sorted, each once.
pub(super) fn kinds<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Value {
    let mut sorts: Vec<Sort> = messages.into_iter().map(Message::sort).collect();
    sorts.sort_unstable();
    sorts.dedup();
    Value::List(sorts.into_iter().map(|sort| sort.word().into()).collect())
}

/// Every field that the message itself tells. Each stands there once, so nothing is looked for.
fn fill(record: &mut Record, message: &Message, place: &Place) {
    let kind = record.kind;
    for (field, part) in parts(kind) {
        if let Some(state) = state_of(*field, kind, message, place) {
            record.slots.push(Slot { field: *field, state, exchange: record.exchange, part: part.clone() });
        }
    }
}

/// The fields of messages with the part of the exchange in which each stands, shared by all messages.
fn parts(kind: Kind) -> &'static [(Field, Part)] {
    type Parts = Vec<(Field, Part)>;
    fn table(kind: Kind) -> Parts {
        let half = if kind == Kind::ClientMessage { "request" } else { "response" };
        let own = kind.fields().filter(|field| !Kind::is_common(*field));
        own.map(|field| (field, Part::from(format!("{half}.body{}", member(field))))).collect()
    }
    static CLIENT: LazyLock<Parts> = LazyLock::new(|| table(Kind::ClientMessage));
    static SERVER: LazyLock<Parts> = LazyLock::new(|| table(Kind::ServerMessage));
    if kind == Kind::ClientMessage { &CLIENT } else { &SERVER }
}

/// The member in which a field stands, with its dot.
fn member(field: Field) -> &'static str {
    match field {
        Field::Jsonrpc => ".jsonrpc",
        Field::Method | Field::NeededCapability => ".method",
        Field::MessageId | Field::IdType => ".id",
        Field::ParamsProtocolVersion => ".params.protocolVersion",
        Field::ParamsName | Field::ExpectedName => ".params.name",
        Field::ParamsUri => ".params.uri",
        Field::ParamsCapabilities => ".params.capabilities",
        Field::ParamsClientInfo => ".params.clientInfo",
        Field::ParamsRequestId => ".params.requestId",
        Field::ParamsProgressToken => ".params.progressToken",
        Field::ParamsRequestState => ".params.requestState",
        Field::ParamsInputResponses => ".params.inputResponses",
        Field::ParamsNotifications => ".params.notifications",
        Field::ParamsMembers => ".params",
        Field::ExpectedParamHeaders => ".params.arguments",
        Field::MetaKeys | Field::MetaMalformedKeys | Field::MetaMalformedTrace => "._meta",
        Field::MalformedExtensions => ".capabilities.extensions",
        Field::HeadersWithoutValue => ".params.arguments",
        Field::EarlierToolLists => ".method",
        Field::MetaProtocolVersion => "._meta.io.modelcontextprotocol/protocolVersion",
        Field::MetaClientInfo => "._meta.io.modelcontextprotocol/clientInfo",
        Field::MetaClientCapabilities => "._meta.io.modelcontextprotocol/clientCapabilities",
        Field::MetaServerInfo => "._meta.io.modelcontextprotocol/serverInfo",
        Field::MetaLogLevel => "._meta.io.modelcontextprotocol/logLevel",
        Field::MetaSubscriptionId => "._meta.io.modelcontextprotocol/subscriptionId",
        Field::MetaProgressToken => "._meta.progressToken",
        Field::MetaTraceparent => "._meta.traceparent",
        Field::ResultType => ".result.resultType",
        Field::ResultProtocolVersion => ".result.protocolVersion",
        Field::ResultSupportedVersions => ".result.supportedVersions",
        Field::ResultCapabilities => ".result.capabilities",
        Field::ResultServerInfo => ".result.serverInfo",
        Field::ResultMembers => ".result",
        Field::ResultRequestState => ".result.requestState",
        Field::ResultInputMethods | Field::ResultInputCapabilities => ".result.inputRequests",
        Field::ResultCacheScope => ".result.cacheScope",
        Field::ResultUnusableHeaders => ".result.tools",
        Field::ErrorCode | Field::ErrorCodeType => ".error.code",
        Field::ErrorMembers | Field::ErrorNamedVersions | Field::ErrorNamedHeader => ".error",
        Field::ErrorSupported => ".error.data.supported",
        Field::ErrorRequested => ".error.data.requested",
        Field::ErrorRequiredCapabilities => ".error.data.requiredCapabilities",
        _ => "",
    }
}

/// What a message says in a field; `None` for fields that its headers or other messages tell.
fn state_of(field: Field, kind: Kind, message: &Message, place: &Place) -> Option<State> {
    let params = |name: &str| message.params().and_then(|params| params.get(name));
    let result = |name: &str| message.result().and_then(|result| result.get(name));
    let data = |name: &str| message.error()?.get("data")?.get(name);
    let in_meta = |name: &str| message.meta().and_then(|meta| meta.get(name));
    let mcp = |name: &str| in_meta(&format!("io.modelcontextprotocol/{name}"));
    Some(match field {
        Field::Sort => State::text(Some(message.sort().word())),
        Field::Jsonrpc => State::text(message.version()),
        Field::Method => State::text(message.method()),
        Field::MessageId => State::text(message.id_text().as_deref()),
        Field::IdType => State::text(message.id_type()),
        Field::Members => list(message.members()),
        Field::Via => State::text(Some(place.via)),
        Field::Position => number(place.position),
        Field::BatchSize => place.batch.as_ref().map_or(State::Absent, |(length, _)| number(*length)),
        Field::BatchKinds => place.batch.as_ref().map_or(State::Absent, |(_, kinds)| State::Present(kinds.clone())),
        Field::NeededCapability => State::text(needed_capability(kind, message)),
        Field::ParamsProtocolVersion => text(params("protocolVersion")),
        Field::ParamsName => text(params("name")),
        Field::ParamsUri => text(params("uri")),
        Field::ParamsCapabilities => names(params("capabilities")),
        Field::ParamsClientInfo => text(params("clientInfo").and_then(|info| info.get("name"))),
        Field::ParamsRequestId => json_text(params("requestId")),
        Field::ParamsProgressToken => json_text(params("progressToken")),
        Field::ParamsRequestState => text(params("requestState")),
        Field::ParamsInputResponses => names(params("inputResponses")),
        Field::ParamsNotifications => notifications(params("notifications")),
        Field::ParamsMembers => names(message.params()),
        Field::MetaKeys => message.meta().map_or(State::Absent, |meta| list(meta.keys().map(String::as_str))),
        Field::MetaProtocolVersion => text(mcp("protocolVersion")),
        Field::MetaClientInfo => text(mcp("clientInfo").and_then(|info| info.get("name"))),
        Field::MetaClientCapabilities => names(mcp("clientCapabilities")),
        Field::MetaServerInfo => text(mcp("serverInfo").and_then(|info| info.get("name"))),
        Field::MetaLogLevel => text(mcp("logLevel")),
        Field::MetaSubscriptionId => json_text(mcp("subscriptionId")),
        Field::MetaProgressToken => json_text(in_meta("progressToken")),
        Field::MetaTraceparent => text(in_meta("traceparent")),
        Field::MetaMalformedKeys => some(message.meta().into_iter().flat_map(meta::malformed_keys)),
        Field::MetaMalformedTrace => some(message.meta().into_iter().flat_map(meta::malformed_trace)),
        Field::MalformedExtensions => some(declared_extensions(message).flat_map(meta::malformed_extensions)),
        Field::ResultType => text(result("resultType")),
        Field::ResultProtocolVersion => text(result("protocolVersion")),
        Field::ResultSupportedVersions => texts(result("supportedVersions")),
        Field::ResultCapabilities => names(result("capabilities")),
        Field::ResultServerInfo => text(result("serverInfo").and_then(|info| info.get("name"))),
        Field::ResultMembers => names(message.result()),
        Field::ResultRequestState => text(result("requestState")),
        Field::ResultInputMethods => input_methods(result("inputRequests"), |method| method),
        Field::ResultInputCapabilities => input_methods(result("inputRequests"), capability_of_client),
        Field::ResultCacheScope => text(result("cacheScope")),
        Field::ResultUnusableHeaders => unusable_headers(result("tools")),
        Field::ErrorCode => match message.error().and_then(|error| error.get("code")) {
            None => State::Absent,
            Some(code) => {
                code.as_i64().map_or(State::Unread(Unknown::Opaque), |code| State::Present(Value::Number(code)))
            }
        },
        Field::ErrorCodeType => State::text(message.error().and_then(|error| error.get("code")).map(jsonrpc::type_of)),
        Field::ErrorMembers => names(message.error()),
        Field::ErrorSupported => texts(data("supported")),
        Field::ErrorNamedVersions => {
            let words = words_of(message);
            some(words.iter().flat_map(|words| meta::versions_named(words)))
        }
        Field::ErrorNamedHeader => {
            State::text(words_of(message).and_then(|words| param_header::named_in(&words)).as_deref())
        }
        Field::ErrorRequested => text(data("requested")),
        Field::ErrorRequiredCapabilities => names(data("requiredCapabilities")),
        _ => return None,
    })
}

fn number(number: usize) -> State {
    State::Present(Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> State {
    State::Present(Value::List(items.map(Arc::from).collect()))
}

/// A member that is a string; unread where it is of another type.
fn text(json: Option<&Json>) -> State {
    match json {
        None => State::Absent,
        Some(Json::String(text)) => State::text(Some(text)),
        Some(_) => State::Unread(Unknown::Opaque),
    }
}

/// A member as JSON text, so that its type stays.
fn json_text(json: Option<&Json>) -> State {
    State::text(json.map(Json::to_string).as_deref())
}

/// A list; absent where it is empty.
fn some<'a>(items: impl Iterator<Item = &'a str>) -> State {
    let items: Vec<Arc<str>> = items.map(Arc::from).collect();
    if items.is_empty() { State::Absent } else { State::Present(Value::List(items)) }
}

/// The extensions that a message declares, wherever capabilities stand in it.
fn declared_extensions(message: &Message) -> impl Iterator<Item = &Json> {
    let own = message.params().or_else(|| message.result()).and_then(|body| body.get("capabilities"));
    let by_meta = message.meta().and_then(|meta| meta.get("io.modelcontextprotocol/clientCapabilities"));
    own.into_iter().chain(by_meta).filter_map(|capabilities| capabilities.get("extensions"))
}

/// The message and the data of an error in one text.
fn words_of(message: &Message) -> Option<String> {
    let error = message.error()?;
    let text = error.get("message").and_then(Json::as_str).unwrap_or_default();
    let data = error.get("data").map(Json::to_string).unwrap_or_default();
    Some(format!("{text} {data}"))
}

/// The names of an object's members.
fn names(json: Option<&Json>) -> State {
    match json {
        None => State::Absent,
        Some(Json::Object(object)) => list(object.keys().map(String::as_str)),
        Some(_) => State::Unread(Unknown::Opaque),
    }
}

/// A list of strings.
fn texts(json: Option<&Json>) -> State {
    match json {
        None => State::Absent,
        Some(Json::Array(items)) => list(items.iter().filter_map(Json::as_str)),
        Some(_) => State::Unread(Unknown::Opaque),
    }
}

/// What a listener asks for, as the methods of the notifications (MCP 2026-07-28, subscriptions).
fn notifications(filter: Option<&Json>) -> State {
    const METHODS: [(&str, &str); 4] = [
        ("toolsListChanged", "notifications/tools/list_changed"),
        ("promptsListChanged", "notifications/prompts/list_changed"),
        ("resourcesListChanged", "notifications/resources/list_changed"),
        ("resourceSubscriptions", "notifications/resources/updated"),
    ];
    let Some(Json::Object(filter)) = filter else { return text(filter) };
    let asks = |name: &str| match filter.get(name) {
        Some(Json::Bool(flag)) => *flag,
        Some(Json::Array(uris)) => !uris.is_empty(),
        _ => false,
    };
    list(METHODS.iter().filter(|(name, _)| asks(name)).map(|(_, method)| *method))
}

/// The methods of the requests inside of a result, or what stands for each; sorted, each once.
fn input_methods(requests: Option<&Json>, of: fn(&str) -> &str) -> State {
    let Some(Json::Object(requests)) = requests else { return text(requests) };
    let methods = requests.values().filter_map(|request| request.get("method")?.as_str()).map(of);
    let mut methods: Vec<&str> = methods.filter(|name| !name.is_empty()).collect();
    methods.sort_unstable();
    methods.dedup();
    list(methods.into_iter())
}

/// The capability that the receiver of a request must have declared (MCP 2025-11-25, lifecycle, capability negotiation).
fn needed_capability(kind: Kind, message: &Message) -> Option<&str> {
    let method = message.method().filter(|_| message.sort() == Sort::Request)?;
    let capability = if kind == Kind::ServerMessage {
        capability_of_client(method)
    } else {
        match method.split('/').next()? {
            "completion" => "completions",
            family @ ("tools" | "resources" | "prompts" | "logging" | "tasks") => family,
            _ => "",
        }
    };
    Some(capability).filter(|name| !name.is_empty())
}

fn capability_of_client(method: &str) -> &str {
    let family = method.split('/').next().unwrap_or_default();
    if matches!(family, "sampling" | "roots" | "elicitation") { family } else { "" }
}

/// `tool.name` of each annotation that cannot become a header; absent where there is none.
fn unusable_headers(tools: Option<&Json>) -> State {
    let mut found: Vec<Arc<str>> = Vec::new();
    for tool in tools.and_then(Json::as_array).into_iter().flatten() {
        let Some(schema) = tool.get("inputSchema") else { continue };
        let name = tool.get("name").and_then(Json::as_str).unwrap_or_default();
        let unusable = param_header::annotations(schema).unusable;
        found.extend(unusable.iter().map(|header| format!("{name}.{header}").into()));
    }
    if found.is_empty() { State::Absent } else { State::Present(Value::List(found)) }
}
