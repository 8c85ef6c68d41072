//! The body of an answer, read once: a document, JSON-RPC messages, or the events of a stream.

use serde_json::Value as Json;

use super::event_stream;
use super::jsonrpc::{self, Message, Reading};

/// Characters that are kept of a body that is none of these.
const EXCERPT: usize = 400;

/// What an answer holds.
#[derive(Clone, Default)]
pub struct Content {
    /// The body where it is a JSON object and no JSON-RPC.
    pub json: Option<Json>,
    /// The body as JSON-RPC.
    pub reading: Reading,
    /// The events of a stream.
    pub events: Vec<StreamEvent>,
    /// The first characters, where it is no JSON.
    pub excerpt: String,
    /// Length in octets.
    pub length: usize,
    /// Whether it is JSON that ends before it is complete.
    pub is_cut: bool,
}

/// An event of a stream, its data read.
#[derive(Clone)]
pub struct StreamEvent {
    /// `event`; empty where the stream names none.
    pub name: String,
    /// `id`.
    pub id: Option<String>,
    /// `retry`, milliseconds.
    pub retry: Option<u64>,
    /// Whether there is no octet of data.
    pub data_empty: bool,
    /// The data of an `endpoint` event: the URI for POSTs (MCP 2024-11-05, HTTP with SSE).
    pub uri: Option<String>,
    /// The data as JSON-RPC.
    pub reading: Reading,
}

impl Content {
    /// Reads a body. What a recorder says of its type counts only where the text does not show it.
    pub fn read(text: &str, is_stream: bool) -> Self {
        let mut content = Content { length: text.len(), ..Content::default() };
        let trimmed = text.trim_start_matches('\u{feff}').trim_start();
        if trimmed.starts_with(['{', '[']) {
            match serde_json::from_str::<Json>(trimmed) {
                Ok(json) => content.take_json(json),
                Err(error) => {
                    content.is_cut = error.is_eof();
                    content.excerpt = excerpt(text);
                }
            }
            return content;
        }
        content.excerpt = excerpt(text);
        if is_stream || begins_like_a_stream(trimmed) {
            content.events = event_stream::parse(text).into_iter().map(StreamEvent::of).collect();
        }
        content
    }

    fn take_json(&mut self, json: Json) {
        if json.is_object() && json.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
            self.json = Some(json);
        } else {
            self.reading = jsonrpc::parse_answer(json);
        }
    }

    /// Every message of it, in order.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.reading.messages.iter().chain(self.events.iter().flat_map(|event| &event.reading.messages))
    }

    /// The document; of JSON-RPC the first message.
    pub fn object(&self) -> Option<&Json> {
        self.json.as_ref().or_else(|| self.reading.messages.first().map(Message::json))
    }

    /// `protocolVersion` of an initialize result.
    pub fn initialize_result(&self) -> Option<&str> {
        self.messages().find_map(|message| message.result()?.get("protocolVersion")?.as_str())
    }

    /// The URI that the stream announces with its first event.
    pub fn announced_uri(&self) -> Option<&str> {
        self.events.first()?.uri.as_deref()
    }
}

impl StreamEvent {
    fn of(event: event_stream::Event) -> Self {
        let trimmed = event.data.trim_start();
        let json = trimmed.starts_with(['{', '[']).then(|| serde_json::from_str(trimmed).ok()).flatten();
        StreamEvent {
            data_empty: event.data.is_empty(),
            uri: (event.name == "endpoint").then(|| event.data.trim().to_owned()).filter(|uri| !uri.is_empty()),
            reading: json.map(jsonrpc::parse_answer).unwrap_or_default(),
            name: event.name,
            id: event.id,
            retry: event.retry,
        }
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}

fn begins_like_a_stream(text: &str) -> bool {
    ["event:", "data:", "id:", "retry:", ":"].iter().any(|field| text.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_what_its_text_shows() {
        let document = Content::read(r#"{"error":"invalid_token"}"#, false);
        assert!(document.json.is_some() && document.messages().next().is_none());
        let result = Content::read(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#, true);
        assert_eq!(result.initialize_result(), Some("2025-06-18"));
        let stream =
            Content::read("id: a\ndata:\n\nretry: 50\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n", false);
        let events: Vec<_> = stream.events.iter().map(|e| (e.id.as_deref(), e.retry, e.data_empty)).collect();
        assert_eq!(events, [(Some("a"), None, true), (None, Some(50), false)]);
        assert_eq!(stream.messages().count(), 1);
        assert_eq!(Content::read("<html>", false).excerpt, "<html>");
    }

    #[test]
    fn the_first_event_announces_the_endpoint() {
        let stream = Content::read("event: endpoint\ndata: /messages?sessionId=1\n\n", true);
        assert_eq!(stream.announced_uri(), Some("/messages?sessionId=1"));
        assert_eq!(Content::read("data: x\n\nevent: endpoint\ndata: /m\n\n", true).announced_uri(), None);
    }

    #[test]
    fn bulk_is_not_kept() {
        let text =
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"x"}],"tools":[{"name":"t","description":"d"}]}}"#;
        let content = Content::read(text, false);
        let kept = content.object().map(serde_json::Value::to_string);
        assert_eq!(
            kept.as_deref(),
            Some(r#"{"jsonrpc":"2.0","id":1,"result":{"content":null,"tools":[{"name":"t"}]}}"#)
        );
    }
}
