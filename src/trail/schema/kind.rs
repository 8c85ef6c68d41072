//! Kinds of record.

use super::names;

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
