//! Where along the chain something stands, who has to change, and between whom an exchange goes.

use super::names;

names! {
    /// The links of the chain of custody, in order, and `transport`, the family beside the chain.
    Link {
        /// The MCP server answers 401 or 403 and points to its metadata.
        Challenge = "challenge",
        /// The client obtains usable protected resource metadata (RFC 9728).
        ResourceMetadata = "resource-metadata",
        /// The client obtains usable authorization server metadata (RFC 8414, OpenID Connect Discovery).
        AsMetadata = "as-metadata",
        /// The client has a `client_id` that this authorization server knows.
        Registration = "registration",
        /// The browser is sent to the authorization endpoint.
        AuthorizationRequest = "authorization-request",
        /// The authorization response reaches the client that asked.
        Callback = "callback",
        /// The client redeems the code.
        TokenRequest = "token-request",
        /// The authorization server issues a usable token.
        TokenResponse = "token-response",
        /// The token travels with every MCP request, through every hop, to the server.
        TokenAttachment = "token-attachment",
        /// The MCP server accepts that token.
        TokenAcceptance = "token-acceptance",
        /// The MCP session goes on.
        Session = "session",
        /// Refresh and step-up keep it authorized.
        Renewal = "renewal",
        /// Message framing that can imitate an authorization loss. No row of the chain.
        Transport = "transport",
    }
}

impl Link {
    /// The twelve links of the chain, in order, without `transport`.
    pub fn chain() -> impl Iterator<Item = Link> {
        Link::ALL.iter().copied().filter(|link| *link != Link::Transport)
    }
}

names! {
    /// Who has to change.
    Party {
        /// The MCP client, with the page or process it runs in.
        Client = "client",
        /// The MCP server, with whoever operates it.
        McpServer = "mcp-server",
        /// The authorization server.
        AuthorizationServer = "authorization-server",
        /// A proxy, gateway or edge between them.
        Intermediary = "intermediary",
        /// The person who logs in.
        User = "user",
        /// The recording does not decide; a reason stands beside it.
        Unknown = "unknown",
    }
}

names! {
    /// Between whom an exchange goes.
    Leg {
        /// Browser and authorization server.
        BrowserAs = "browser-as",
        /// Browser and the client's callback listener.
        BrowserClient = "browser-client",
        /// Client and authorization server.
        ClientAs = "client-as",
        /// Client and MCP server.
        ClientMcp = "client-mcp",
        /// MCP server and authorization server.
        McpAs = "mcp-as",
        /// Authorization server and the client's metadata document.
        AsClientMetadata = "as-client-metadata",
    }
}
