//! Bindings of records.

use super::names;

names! {
    /// The bindings of records: which other step is meant.
    Binding {
        /// Previous exchange of the same client at the same endpoint.
        Previous = "previous",
        /// Next exchange of the same client at the same endpoint.
        Next = "next",
        /// Next exchange with equal method and body.
        Retry = "retry",
        /// The exchange whose redirect led here.
        RedirectSource = "redirect_source",
        /// The exchange to which the redirect led.
        RedirectTarget = "redirect_target",
        /// The same request one hop nearer to the server.
        SeenUpstream = "seen_upstream",
        /// Of a request without token: another with the same methods and no token that was refused with 401.
        RefusedAlike = "refused_alike",
        /// The last earlier exchange of the client at this endpoint that was accepted.
        EarlierAccepted = "earlier_accepted",
        /// The newest usable token response of the client for this endpoint before this was sent.
        NewestTokenResponse = "newest_token_response",
        /// The token response that issued this token; of a token request, its refresh token. Unknown there where the grant
        /// may be over because something of it was redeemed twice.
        IssuingTokenResponse = "issuing_token_response",
        /// What the server heard last of this token before it answered (RFC 7662, 2).
        Introspection = "introspection",
        /// The request by which this token, or one of the same grant, was revoked before (RFC 7009, 2).
        Revocation = "revocation",
        /// Protected resource metadata in force.
        ResourceMetadata = "resource_metadata",
        /// Authorization server metadata in force.
        AsMetadata = "as_metadata",
        /// The session: the one that the request names; where it names none, the client's only open one.
        Session = "session",
        /// The next authorization request of the client.
        NextAuthorizationRequest = "next_authorization_request",
        /// The next refresh request of the client.
        NextRefreshRequest = "next_refresh_request",
        /// The refusal that began this.
        TriggeringRefusal = "triggering_refusal",
        /// The preflight of this request.
        Preflight = "preflight",
        /// The request that a preflight was for.
        Actual = "actual",
        /// The exchange whose challenge pointed here.
        Challenge = "challenge",
        /// The MCP exchange on whose behalf this was asked.
        McpExchange = "mcp_exchange",
        /// The registration that issued this `client_id` at this issuer.
        Registration = "registration",
        /// The authorization request meant.
        AuthorizationRequest = "authorization_request",
        /// The answer to this authorization request.
        AuthorizationResponse = "authorization_response",
        /// The token request meant.
        TokenRequest = "token_request",
        /// The answer to this token request.
        TokenResponse = "token_response",
        /// An earlier delivery of the same answer.
        EarlierDelivery = "earlier_delivery",
        /// Another authorization request of the same client, with another state, sent before this answer and itself
        /// unanswered.
        ParallelAttempt = "parallel_attempt",
        /// Any authorization request in the recordings whose challenge fits this verifier.
        VerifierOwner = "verifier_owner",
        /// An earlier request with the same code, refresh token or assertion at the same issuer.
        EarlierUse = "earlier_use",
        /// Another request with the same code or refresh token at the same issuer that was granted.
        GrantedUse = "granted_use",
        /// The same, sent before the earlier one was answered.
        OverlappingUse = "overlapping_use",
        /// The same, sent after a new refresh token came.
        UseAfterRotation = "use_after_rotation",
        /// The first token request of this grant.
        GrantRoot = "grant_root",
        /// The first use of this token.
        FirstUse = "first_use",
        /// The next MCP exchange of the same client and server.
        NextMcpExchange = "next_mcp_exchange",
        /// The initialize exchange.
        Initialize = "initialize",
        /// The first refusal of this session.
        FirstRefusal = "first_refusal",
        /// The next initialize after this session.
        NextInitialize = "next_initialize",
        /// The next request for resource metadata.
        NextResourceMetadataRequest = "next_resource_metadata_request",
        /// The refusal for want of scope.
        Refusal = "refusal",
        /// The next use of this token.
        NextUse = "next_use",
        /// The stream whose first event names where POSTs go (MCP 2024-11-05, HTTP with SSE).
        Stream = "stream",
        /// The exchange whose stream this one resumes: the one that sent the event id named here.
        ResumedStream = "resumed_stream",
        /// The exchange that resumes the stream of this one.
        ResumedBy = "resumed_by",
        /// The notification by which the client cancels this request of its own.
        Cancellation = "cancellation",
        /// The exchange that carries this message or event.
        Exchange = "exchange",
        /// The request that this answers, of the other side.
        Request = "request",
        /// The answer to this request, of the other side.
        Response = "response",
        /// The only request of the POST whose answer carries this message.
        OpenedBy = "opened_by",
        /// The result of the initialize request in force.
        InitializeResult = "initialize_result",
        /// The `notifications/initialized` that followed.
        Initialized = "initialized",
        /// The request that a cancellation names, of the same side; of a server's, the client's.
        Cancelled = "cancelled",
        /// An earlier request of the same sender in the same session with the same id; the same request again after a
        /// refusal apart. Of an answer: an earlier answer to the same request; redelivery apart.
        EarlierSameId = "earlier_same_id",
        /// The same, itself still without an answer when this was sent.
        OutstandingSameId = "outstanding_same_id",
        /// The request that brings the input which the answer to this one asked for (MCP 2026-07-28, multi round-trip
        /// requests).
        InputRetry = "input_retry",
        /// The list of tools that describes the tool called.
        Tool = "tool",
        /// An earlier event of the same session with the same id; redelivery apart.
        EarlierSameEventId = "earlier_same_event_id",
    }
}
