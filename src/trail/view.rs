//! One exchange with its small languages read: URL, parameters, JSON-RPC. What every later step looks at.

use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Exchange, HeaderState, Headers, Unknown};
use crate::trail::read::jsonrpc::{self, Message};
use crate::trail::read::params::Params;
use crate::trail::read::urls;

use super::record::{State, Value};

/// Longest request body that is opened to see what a message is, in octets. Metadata, forms and JSON-RPC are small;
/// longer ones are uploads.
const LONGEST_REQUEST: u64 = 4 << 20;

/// An exchange, read.
pub(crate) struct View<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Absolute URL of the request.
    pub url: String,
    /// Its origin; empty where it has none.
    pub origin: String,
    /// Its endpoint: the URL without query.
    pub endpoint: String,
    /// Parameters of the query.
    pub query: Params,
    /// Parameters of a form in the request body, or why they are not known; `Ok(None)` where the body is no form.
    pub form: Result<Option<Params>, Unknown>,
    /// The request body as JSON, where it is an object and no JSON-RPC.
    pub json: Option<serde_json::Value>,
    /// JSON-RPC messages of the request body.
    pub messages: Vec<Message>,
    /// `Location` of a redirect, resolved.
    pub location: Option<String>,
}

impl<'a> View<'a> {
    /// Reads what is needed to tell what the exchange is. Opens a request body only where it may be small and telling.
    pub(crate) fn new(exchange: &'a Exchange, limits: &Limits) -> Self {
        let url = exchange.request.url();
        let mut view = View {
            exchange,
            origin: urls::origin(&url).unwrap_or_default(),
            endpoint: urls::endpoint(&url),
            query: Params::of_query(&exchange.request.target),
            form: Ok(None),
            json: None,
            messages: Vec::new(),
            location: None,
            url,
        };
        view.location = view.redirect_location();
        if !matches!(exchange.request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            view.read_body(limits);
        }
        view
    }

    fn read_body(&mut self, limits: &Limits) {
        let body = &self.exchange.request.body;
        if body.len().is_some_and(|len| len > LONGEST_REQUEST) {
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
        if content_type == "application/x-www-form-urlencoded" {
            self.form = Ok(Some(Params::parse(&text)));
            return;
        }
        let trimmed = text.trim_start();
        if trimmed.starts_with(['{', '[']) {
            self.messages = jsonrpc::parse(&text);
            if self.messages.is_empty() {
                self.json = serde_json::from_str(&text).ok().filter(serde_json::Value::is_object);
            }
        } else if content_type.is_empty() && trimmed.contains("grant_type=") {
            self.form = Ok(Some(Params::parse(&text)));
        }
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

    /// The text of the response body, or why it is not known. `Ok(None)` where there is no body.
    pub(crate) fn response_text(&self, limits: &Limits) -> Result<Option<String>, Unknown> {
        match &self.exchange.answer {
            Answer::Received(response) => Ok(response.body.text(limits)?.map(std::borrow::Cow::into_owned)),
            Answer::None(_) => Ok(None),
            Answer::NotRecorded => Err(Unknown::ResponseNotRecorded),
        }
    }

    /// The response body as a JSON object, or why there is none.
    pub(crate) fn response_json(&self, limits: &Limits) -> Result<Option<serde_json::Value>, Unknown> {
        let text = self.response_text(limits)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).filter(serde_json::Value::is_object))
    }

    /// Media type of the response, lower case, without parameters; empty where there is none.
    pub(crate) fn response_media_type(&self) -> String {
        self.exchange.answer.response().map(|response| media_type(&response.headers)).unwrap_or_default()
    }
}

/// `Content-Type` without parameters, lower case; empty where there is none.
pub(crate) fn media_type(headers: &Headers) -> String {
    let value = headers.get("content-type").unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
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
