//! One exchange with its small languages read: URL, parameters, JSON-RPC. What every later step looks at.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use memchr::memmem::Finder;

use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Exchange, HeaderState, Headers, Unknown};
use crate::decode::is_mask;
use crate::trail::read::content::Content;
use crate::trail::read::jsonrpc::{self, Message};
use crate::trail::read::params::Params;
use crate::trail::read::urls;

use super::record::{State, Value};

/// Longest request body that is opened to see what a message is, in octets. Metadata, forms and JSON-RPC are small;
/// longer ones are uploads.
const LONGEST_REQUEST: u64 = 4 << 20;

/// What the media type of an answer says of its content. Asked of every exchange, again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Json,
    EventStream,
    Other,
}

/// A request body as JSON.
enum JsonBody {
    /// It is none, or cannot be read.
    None,
    /// It ends before it is complete.
    Cut,
    /// It may be one that tells nothing of what the exchange is: read when that is known otherwise.
    Unread,
    /// An object that is no JSON-RPC, and the same as a message where it looks like one and does not say so.
    Object(Box<(serde_json::Value, OnceLock<Vec<Message>>)>),
    /// JSON-RPC.
    Messages(Box<jsonrpc::Reading>),
}

/// An exchange, read.
pub(crate) struct View<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Absolute URL of the request.
    pub url: String,
    parts: urls::Parts,
    /// Parameters of the query.
    pub query: Params,
    /// Parameters of a form in the request body, or why they are not known; `Ok(None)` where the body is no form.
    pub form: Result<Option<Params>, Unknown>,
    json_body: JsonBody,
    answered: Answered,
    /// `Location` of a redirect, resolved.
    pub location: Option<String>,
    /// The body of the answer, read when it is first asked for.
    content: OnceLock<Result<Option<Box<Content>>, Unknown>>,
}

impl<'a> View<'a> {
    /// Reads what is needed to tell what the exchange is. Opens a request body only where it may be small and telling.
    pub(crate) fn new(exchange: &'a Exchange, limits: &Limits) -> Self {
        let url = exchange.request.url();
        let mut view = View {
            exchange,
            parts: urls::Parts::of(&url),
            query: Params::of_query(&exchange.request.target),
            form: Ok(None),
            json_body: JsonBody::None,
            answered: Answered::Other,
            location: None,
            content: OnceLock::new(),
            url,
        };
        view.location = view.redirect_location();
        view.answered = match &*view.response_media_type() {
            "application/json" => Answered::Json,
            "text/event-stream" => Answered::EventStream,
            _ => Answered::Other,
        };
        if !matches!(exchange.request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            view.read_body(limits);
        }
        view
    }

    /// Origin of the request; empty where it has none.
    pub(crate) fn origin(&self) -> &str {
        self.parts.origin(&self.url)
    }

    /// Endpoint of the request: its URL without query.
    pub(crate) fn endpoint(&self) -> &str {
        self.parts.endpoint(&self.url)
    }

    /// URL of the request as [`urls::same`] compares it.
    pub(crate) fn normal_url(&self) -> Cow<'_, str> {
        match self.parts {
            // What has its parts at a look is written so already.
            urls::Parts::Within(_) => Cow::Borrowed(&self.url),
            urls::Parts::Apart(_) => urls::normal(&self.url),
        }
    }

    fn read_body(&mut self, limits: &Limits) {
        let body = &self.exchange.request.body;
        if self.is_unopened() {
            return;
        }
        let content_type = media_type(&self.exchange.request.headers);
        let text = match body.text(limits) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(reason) => {
                self.form = Err(reason);
                return;
            }
        };
        if is_mask(text.trim()) {
            self.form = Err(Unknown::RemovedByExporter);
            return;
        }
        if content_type == "application/x-www-form-urlencoded" {
            self.form = Ok(Some(Params::parse(&text)));
            return;
        }
        let trimmed = text.trim_start();
        if trimmed.starts_with(['{', '[']) {
            // A page posts much JSON. What names none of these members tells nothing of what it is.
            static TELLING: LazyLock<[Finder<'_>; 4]> =
                LazyLock::new(|| ["\"jsonrpc\"", "\"method\"", "\"redirect_uris\"", "\"grant_type\""].map(Finder::new));
            self.json_body =
                if mentions(text.as_bytes(), &*TELLING) { JsonBody::read(&text) } else { JsonBody::Unread };
            if matches!(self.json_body, JsonBody::Cut) && !is_whole(&self.exchange.request.headers, &text) {
                self.form = Err(Unknown::BodyUnreadable);
            }
        } else if content_type.is_empty() && trimmed.contains("grant_type=") {
            self.form = Ok(Some(Params::parse(&text)));
        }
    }

    /// Reads the JSON of a request body that was not telling enough to be read before. To be called where the exchange is
    /// something of OAuth or MCP.
    pub(crate) fn open(&mut self, limits: &Limits) {
        if matches!(self.json_body, JsonBody::Unread)
            && let Ok(Some(text)) = self.exchange.request.body.text(limits)
        {
            self.json_body = JsonBody::read(&text);
        }
    }

    /// The request body as JSON, where it is an object and no JSON-RPC.
    pub(crate) fn json(&self) -> Option<&serde_json::Value> {
        match &self.json_body {
            JsonBody::Object(object) => Some(&object.0),
            _ => None,
        }
    }

    /// JSON-RPC messages of the request body.
    pub(crate) fn messages(&self) -> &[Message] {
        match &self.json_body {
            JsonBody::Messages(reading) => &reading.messages,
            _ => &[],
        }
    }

    /// Length of the array that the messages stand in; `None` where the body is no array.
    pub(crate) fn batch(&self) -> Option<usize> {
        match &self.json_body {
            JsonBody::Messages(reading) => reading.batch,
            _ => None,
        }
    }

    /// Whether the request body is too long to be opened.
    pub(crate) fn is_unopened(&self) -> bool {
        self.exchange.request.body.len().is_some_and(|len| len > LONGEST_REQUEST)
    }

    fn redirect_location(&self) -> Option<String> {
        let response = self.exchange.answer.response()?;
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        urls::resolve(&self.url, response.headers.get("location")?)
    }

    /// Method of the request.
    pub(crate) fn method(&self) -> &str {
        &self.exchange.request.method
    }

    /// Status; `None` where no answer was recorded.
    pub(crate) fn status(&self) -> Option<u16> {
        self.exchange.answer.response().map(|response| response.status)
    }

    /// A header of the request as a field of a record.
    pub(crate) fn request_header(&self, name: &str) -> State {
        header(&self.exchange.request.headers, name)
    }

    /// A header of the response as a field of a record.
    pub(crate) fn response_header(&self, name: &str) -> State {
        match &self.exchange.answer {
            Answer::Received(response) => header(&response.headers, name),
            Answer::None(_) => State::Absent,
            Answer::NotRecorded => State::Unknown(Unknown::ResponseNotRecorded),
        }
    }

    /// The messages of the request body, also one that only looks like a message. To be asked of MCP exchanges only.
    pub(crate) fn client_messages(&self) -> &[Message] {
        let JsonBody::Object(object) = &self.json_body else { return self.messages() };
        let (json, message) = &**object;
        let looks_like_one =
            || ["jsonrpc", "method", "result", "error"].iter().any(|member| json.get(member).is_some());
        message.get_or_init(|| looks_like_one().then(|| jsonrpc::taken_for_message(json)).into_iter().collect())
    }

    /// The body of the answer, or why it is not known. `Ok(None)` where there is no body. Read once.
    pub(crate) fn content(&self, limits: &Limits) -> Result<Option<&Content>, Unknown> {
        match self.content.get_or_init(|| self.read_answer(limits)) {
            Ok(content) => Ok(content.as_deref()),
            Err(reason) => Err(*reason),
        }
    }

    fn read_answer(&self, limits: &Limits) -> Result<Option<Box<Content>>, Unknown> {
        match &self.exchange.answer {
            Answer::Received(response) => {
                let Some(text) = response.body.text(limits)? else { return Ok(None) };
                if is_mask(text.trim()) {
                    return Err(Unknown::RemovedByExporter);
                }
                let content = Content::read(&text, self.answered == Answered::EventStream);
                if content.is_cut && !is_whole(&response.headers, &text) {
                    return Err(Unknown::BodyUnreadable);
                }
                Ok(Some(Box::new(content)))
            }
            Answer::None(_) => Ok(None),
            Answer::NotRecorded => Err(Unknown::ResponseNotRecorded),
        }
    }

    /// Whether one of these stands in the body of the answer; without keeping anything of it.
    pub(crate) fn answer_mentions(&self, needles: &[Finder<'_>], limits: &Limits) -> bool {
        let body = self.exchange.answer.response().map(|response| response.body.octets(limits));
        let Some(Ok(Some(octets))) = body else { return false };
        mentions(&octets, needles)
    }

    /// The response body as a JSON object, or why there is none.
    pub(crate) fn response_json(&self, limits: &Limits) -> Result<Option<&serde_json::Value>, Unknown> {
        Ok(self.content(limits)?.and_then(Content::object).filter(|json| json.is_object()))
    }

    /// Whether the answer says that it is JSON.
    pub(crate) fn answers_json(&self) -> bool {
        self.answered == Answered::Json
    }

    /// Whether a GET was answered with a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.method() == "GET" && matches!(self.status(), Some(200..=299)) && self.answered == Answered::EventStream
    }

    /// The URI for POSTs that a stream announces with its first event (MCP 2024-11-05, HTTP with SSE), resolved.
    pub(crate) fn announced_uri(&self, limits: &Limits) -> Option<String> {
        if !self.is_stream() {
            return None;
        }
        urls::resolve(&self.url, self.content(limits).ok()??.announced_uri()?)
    }

    /// Media type of the response, lower case, without parameters; empty where there is none.
    pub(crate) fn response_media_type(&self) -> Cow<'_, str> {
        self.exchange.answer.response().map(|response| media_type(&response.headers)).unwrap_or_default()
    }
}

impl JsonBody {
    fn read(text: &str) -> JsonBody {
        match serde_json::from_str::<serde_json::Value>(text) {
            Err(error) if error.is_eof() => JsonBody::Cut,
            Err(_) => JsonBody::None,
            Ok(json) if json.is_object() && json.get("jsonrpc").and_then(serde_json::Value::as_str) != Some("2.0") => {
                JsonBody::Object(Box::new((json, OnceLock::new())))
            }
            Ok(json) => JsonBody::Messages(Box::new(jsonrpc::of_json(json))),
        }
    }
}

/// Whether the message was sent as it stands in the recording: its header says that it has this length.
fn is_whole(headers: &Headers, text: &str) -> bool {
    headers.get("content-length").and_then(|length| length.trim().parse().ok()) == Some(text.len())
}

/// Whether one of these stands in the octets.
fn mentions(octets: &[u8], needles: &[Finder<'_>]) -> bool {
    needles.iter().any(|needle| needle.find(octets).is_some())
}

/// `Content-Type` without parameters, lower case; empty where there is none.
pub(crate) fn media_type(headers: &Headers) -> Cow<'_, str> {
    let value = headers.get("content-type").unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.bytes().any(|octet| octet.is_ascii_uppercase()) {
        return Cow::Owned(essence.to_ascii_lowercase());
    }
    Cow::Borrowed(essence)
}

/// A header as a field of a record.
pub(crate) fn header(headers: &Headers, name: &str) -> State {
    match headers.state(name) {
        HeaderState::Present(value) => State::Present(Value::from(value)),
        HeaderState::Masked => State::Unread(Unknown::RemovedByExporter),
        HeaderState::Absent => State::Absent,
        HeaderState::Unknown(reason) => State::Unknown(reason),
    }
}
