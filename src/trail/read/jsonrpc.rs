//! JSON-RPC 2.0 messages in bodies and events.

use serde_json::{Map, Value as Json};

/// One message.
#[derive(Clone)]
pub struct Message(Json);

/// What a message is by its members, whether or not they fit together (JSON-RPC 2.0, 4 and 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A method and an id, also a bad one.
    Request,
    /// A method without id.
    Notification,
    /// A result, also where an error stands beside it.
    Result,
    /// An error alone.
    Error,
    /// None of these.
    Other,
}

impl Sort {
    /// The word for it in rule pages.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Request => "request",
            Sort::Notification => "notification",
            Sort::Result => "result",
            Sort::Error => "error",
            Sort::Other => "other",
        }
    }

    /// Whether it answers a request.
    pub fn is_response(self) -> bool {
        matches!(self, Sort::Result | Sort::Error)
    }
}

/// The type of a JSON value in one word; whole numbers are `integer`.
pub fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

impl Message {
    /// What it is.
    pub fn sort(&self) -> Sort {
        let has = |member: &str| self.0.get(member).is_some();
        match (has("method"), has("id")) {
            (true, true) => Sort::Request,
            (true, false) => Sort::Notification,
            (false, _) if has("result") => Sort::Result,
            (false, _) if has("error") => Sort::Error,
            (false, _) => Sort::Other,
        }
    }

    /// `jsonrpc`, whatever it says.
    pub fn version(&self) -> Option<&str> {
        self.0.get("jsonrpc")?.as_str()
    }

    /// The id as JSON text, so that 1 is not "1"; also `null`, which is no id but stands there.
    pub fn id_text(&self) -> Option<String> {
        self.0.get("id").map(Json::to_string)
    }

    /// The type of the id, where one stands there.
    pub fn id_type(&self) -> Option<&'static str> {
        self.0.get("id").map(type_of)
    }

    /// Names of its members, in order.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.0.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str))
    }

    /// `_meta` of the parameters, or of the result.
    pub fn meta(&self) -> Option<&Map<String, Json>> {
        self.params().or_else(|| self.result())?.get("_meta")?.as_object()
    }

    /// The whole message.
    pub fn json(&self) -> &Json {
        &self.0
    }

    /// Takes out what no rule looks at: the content of results, which is most of their bulk.
    fn without_content(mut self) -> Self {
        let Some(result) = self.0.get_mut("result").and_then(Json::as_object_mut) else { return self };
        result.retain(|name, _| !matches!(name.as_str(), "structuredContent" | "contents" | "messages"));
        if let Some(content) = result.get_mut("content") {
            *content = Json::Null;
        }
        for list in ["resources", "prompts", "resourceTemplates", "roots"] {
            if let Some(items) = result.get_mut(list) {
                *items = Json::Null;
            }
        }
        for tool in result.get_mut("tools").and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(tool) = tool.as_object_mut() {
                tool.retain(|name, _| matches!(name.as_str(), "name" | "inputSchema"));
            }
        }
        self
    }

    /// `method`; `None` for a response.
    pub fn method(&self) -> Option<&str> {
        self.0.get("method")?.as_str()
    }

    /// `id`, typed: 1 is not "1". `None` for a notification.
    pub fn id(&self) -> Option<&Json> {
        self.0.get("id").filter(|id| !id.is_null())
    }

    /// `params`.
    pub fn params(&self) -> Option<&Json> {
        self.0.get("params")
    }

    /// `result`.
    pub fn result(&self) -> Option<&Json> {
        self.0.get("result")
    }

    /// `error`.
    pub fn error(&self) -> Option<&Json> {
        self.0.get("error")
    }

    /// `params._meta["io.modelcontextprotocol/protocolVersion"]` (MCP 2026-07-28, basic, `_meta`).
    pub fn meta_version(&self) -> Option<&str> {
        self.params()?.get("_meta")?.get("io.modelcontextprotocol/protocolVersion")?.as_str()
    }

    /// `params.protocolVersion` of `initialize`: what the client offers.
    pub fn offered_version(&self) -> Option<&str> {
        (self.method() == Some("initialize")).then(|| self.params()?.get("protocolVersion")?.as_str())?
    }

    /// Name and version of the client: `params.clientInfo` of `initialize`, or of the `_meta` of a stateless request.
    pub fn client_info(&self) -> Option<(&str, Option<&str>)> {
        let params = self.params()?;
        let info =
            params.get("clientInfo").or_else(|| params.get("_meta")?.get("io.modelcontextprotocol/clientInfo"))?;
        Some((info.get("name")?.as_str()?, info.get("version").and_then(Json::as_str)))
    }

    /// Whether the method is one of MCP, in any revision.
    pub fn is_mcp(&self) -> bool {
        const FAMILIES: [&str; 13] = [
            "notifications/",
            "tools/",
            "resources/",
            "prompts/",
            "completion/",
            "logging/",
            "roots/",
            "sampling/",
            "elicitation/",
            "tasks/",
            "server/",
            "subscriptions/",
            "client/",
        ];
        match self.method() {
            Some("initialize") => self.params().is_some_and(|params| params.get("protocolVersion").is_some()),
            Some("ping") => true,
            Some(method) => FAMILIES.iter().any(|family| method.starts_with(family)),
            None => false,
        }
    }
}

/// A body or the data of an event as JSON-RPC.
#[derive(Clone, Default)]
pub struct Reading {
    /// The messages. Empty where it is no JSON-RPC.
    pub messages: Vec<Message>,
    /// Length of the array that they stand in; `None` where the body is no array.
    pub batch: Option<usize>,
}

/// Reads a body: one message, or the messages of a batch. Items of a batch that are no JSON-RPC 2.0 are kept beside some
/// that are.
pub fn parse(text: &str) -> Reading {
    serde_json::from_str(text).map(of_json).unwrap_or_default()
}

/// As [`parse`], of what is read already.
pub fn of_json(json: Json) -> Reading {
    let says_so = |item: &Json| item.get("jsonrpc").and_then(Json::as_str) == Some("2.0");
    match json {
        Json::Array(items) if items.is_empty() => Reading { messages: Vec::new(), batch: Some(0) },
        Json::Array(items) if items.iter().any(says_so) => {
            let batch = Some(items.len());
            Reading { messages: items.into_iter().filter(Json::is_object).map(Message).collect(), batch }
        }
        item if says_so(&item) => Reading { messages: vec![Message(item)], batch: None },
        _ => Reading::default(),
    }
}

/// Takes an object for a message although it does not say that it is one.
pub fn taken_for_message(json: &Json) -> Message {
    Message(json.clone())
}

/// As [`parse`], for answers: without the content of results.
pub fn parse_answer(json: Json) -> Reading {
    let mut reading = of_json(json);
    reading.messages = reading.messages.into_iter().map(Message::without_content).collect();
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_mcp_from_other_json_rpc() {
        let is_mcp = |text: &str| parse(text).messages.iter().any(Message::is_mcp);
        assert!(is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
        assert!(is_mcp(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#));
        assert!(!is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"eth_call"}"#));
        assert!(!is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"rootUri":null}}"#));
        assert!(!is_mcp(r#"{"id":1,"method":"tools/list"}"#));
    }

    #[test]
    fn tells_messages_apart_and_keeps_the_type_of_ids() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, Sort::Request, Some("1"), Some("integer")),
            (r#"{"jsonrpc":"2.0","id":"1","method":"a"}"#, Sort::Request, Some("\"1\""), Some("string")),
            (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, Sort::Request, Some("null"), Some("null")),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#, Sort::Request, Some("1.5"), Some("number")),
            (r#"{"jsonrpc":"2.0","method":"a"}"#, Sort::Notification, None, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Sort::Result, Some("1"), Some("integer")),
            (r#"{"jsonrpc":"2.0","error":{}}"#, Sort::Error, None, None),
        ];
        for (text, sort, id, id_type) in cases {
            let reading = parse(text);
            let found: Vec<_> = reading.messages.iter().map(|m| (m.sort(), m.id_text(), m.id_type())).collect();
            assert_eq!(found, [(sort, id.map(str::to_owned), id_type)], "{text}");
        }
    }

    #[test]
    fn batches_have_a_length() {
        assert_eq!(parse("[]").batch, Some(0));
        assert_eq!(parse(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"id":2},3]"#).batch, Some(3));
        assert_eq!(parse(r#"[1,2]"#).batch, None);
    }
}
