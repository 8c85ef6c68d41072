//! JSON-RPC 2.0 messages in bodies and events.

use serde_json::Value as Json;

/// One message.
#[derive(Clone)]
pub struct Message(Json);

impl Message {
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

/// Reads a body: one message, or the messages of a batch. Empty where it is no JSON-RPC.
pub fn parse(text: &str) -> Vec<Message> {
    let items = match serde_json::from_str(text) {
        Ok(Json::Array(items)) => items,
        Ok(item @ Json::Object(_)) => vec![item],
        _ => return Vec::new(),
    };
    items.into_iter().filter(|item| item.get("jsonrpc").and_then(Json::as_str) == Some("2.0")).map(Message).collect()
}

/// Reads an answer: a JSON body, or the events of a stream.
pub fn parse_answer(text: &str, is_event_stream: bool) -> Vec<Message> {
    if is_event_stream {
        return super::event_stream::parse(text).iter().flat_map(|event| parse(&event.data)).collect();
    }
    parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_mcp_from_other_json_rpc() {
        let is_mcp = |text: &str| parse(text).iter().any(Message::is_mcp);
        assert!(is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
        assert!(is_mcp(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#));
        assert!(!is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"eth_call"}"#));
        assert!(!is_mcp(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"rootUri":null}}"#));
        assert!(!is_mcp(r#"{"id":1,"method":"tools/list"}"#));
    }
}
