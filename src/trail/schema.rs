//! The records, fields and bindings that rule pages may speak of: names and which record has which.
//!
//! One table, used three ways: `trail` fills it, `check` refuses pages that name anything else, and the documentation
//! lists it.

pub use super::bindings::Binding;
pub use super::fields::Field;

/// Declares an enum whose variants have the names that rule pages use.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in rule pages and output.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The one with this name; `None` where there is none.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use names;

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

names! {
    /// Revisions of the protocol, oldest first.
    Revision {
        /// 2024-11-05: HTTP+SSE, no authorization.
        R20241105 = "2024-11-05",
        /// 2025-03-26: Streamable HTTP, first authorization chapter.
        R20250326 = "2025-03-26",
        /// 2025-06-18: protected resource metadata, resource indicators.
        R20250618 = "2025-06-18",
        /// 2025-11-25: client metadata documents, scope challenges.
        R20251125 = "2025-11-25",
        /// 2026-07-28: stateless.
        R20260728 = "2026-07-28",
    }
}

names! {
    /// The kinds of record that `given` may name.
    Kind {
        /// One HTTP exchange between client and MCP server.
        McpExchange = "mcp_exchange",
        /// A request for protected resource metadata (RFC 9728, 3.1).
        ResourceMetadataRequest = "resource_metadata_request",
        /// A request for authorization server metadata (RFC 8414, 3.1; OpenID Connect Discovery 4).
        AsMetadataRequest = "as_metadata_request",
        /// A dynamic client registration request (RFC 7591, 3.1).
        RegistrationRequest = "registration_request",
        /// A fetch of a client ID metadata document by the authorization server.
        ClientMetadataFetch = "client_metadata_fetch",
        /// An authorization request (RFC 6749, 4.1.1), also a pushed one (RFC 9126).
        AuthorizationRequest = "authorization_request",
        /// An authorization response (RFC 6749, 4.1.2): the redirect that carries it, the callback request, or both.
        AuthorizationResponse = "authorization_response",
        /// A token request (RFC 6749, 4.1.3, 6).
        TokenRequest = "token_request",
        /// A token response (RFC 6749, 5.1, 5.2).
        TokenResponse = "token_response",
        /// A CORS preflight (Fetch, 4.8).
        Preflight = "preflight",
        /// A JSON-RPC message of the client.
        ClientMessage = "client_message",
        /// A JSON-RPC message of the server.
        ServerMessage = "server_message",
        /// One event of an event stream.
        ServerEvent = "server_event",
        /// An MCP session.
        Session = "session",
        /// One token at one endpoint with one method.
        TokenUse = "token_use",
        /// All probes for one resource or one issuer.
        Discovery = "discovery",
        /// A refusal for want of scope and what the client did about it.
        StepUp = "step_up",
        /// Which era one client takes one origin for.
        ServerEra = "server_era",
        /// A device authorization request (RFC 8628, 3.1).
        DeviceAuthorizationRequest = "device_authorization_request",
        /// A token introspection request (RFC 7662, 2.1).
        IntrospectionRequest = "introspection_request",
        /// A token revocation request (RFC 7009, 2.1).
        RevocationRequest = "revocation_request",
        /// A request for the key set of an authorization server (RFC 7517, 5; RFC 8414, 2, `jwks_uri`).
        KeySetRequest = "key_set_request",
    }
}
