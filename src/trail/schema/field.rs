//! Fields of records.

use super::names;

names! {
    /// The fields of records. `sent_at`, `answered_at`, `status` and `url` are fields of every exchange.
    Field {
        /// Time the request was sent, microseconds since the epoch.
        SentAt = "sent_at",
        /// Time the answer was complete, microseconds since the epoch.
        AnsweredAt = "answered_at",
        /// HTTP status; absent where it is known that no answer came.
        Status = "status",
        /// Absolute URL of the request, without fragment.
        Url = "url",
        /// The URL as the client asked for it. Unknown where a proxy forwarded the request: it may have been asked under
        /// another scheme, host or path.
        AskedUrl = "asked_url",
        /// Derived: the URL that was asked first, where a redirect led here; absent where none did.
        RedirectedFrom = "redirected_from",
        /// Derived: whether the last that the authorization server showed the browser, as far as redirects and forms lead,
        /// is a page with status 200; false where another attempt was answered later. Unknown where an answer is missing.
        PageShown = "page_shown",
        /// `Location` of a redirect, resolved (RFC 9110, 10.2.2).
        Location = "location",
        /// HTTP method; of a JSON-RPC message its own.
        Method = "method",
        /// `Content-Type` of the request.
        ContentType = "content_type",
        /// Media type of the response, lower case, without parameters.
        ResponseContentType = "response_content_type",
        /// Media types of `Accept` of the request, a list, lower case, without parameters.
        Accept = "accept",
        /// Origin of the page that sent the request (`Origin`, or that of the preflight).
        Origin = "origin",
        /// Derived: whether that origin differs from the one asked (Fetch, 4.5).
        CrossOrigin = "cross_origin",
        /// `Access-Control-Allow-Origin` of the response.
        AllowOrigin = "allow_origin",
        /// Derived: response headers that a page may read (Fetch, 3.3.2), lower case.
        ExposedHeaders = "exposed_headers",
        /// `Access-Control-Allow-Headers` of the response, lower case.
        AllowHeaders = "allow_headers",
        /// `Access-Control-Request-Headers`, lower case.
        RequestedHeaders = "requested_headers",
        /// JSON-RPC method of the request body.
        JsonrpcMethod = "jsonrpc_method",
        /// Scheme of `Authorization`, lower case.
        AuthScheme = "auth_scheme",
        /// Token of `Authorization: Bearer` or `DPoP` (RFC 6750, 2.1).
        Bearer = "bearer",
        /// Derived: what the token was issued as: `access`, `refresh`, `id`, `code`; `unknown` of one from before all logins.
        BearerKind = "bearer.kind",
        /// Claim `iss`.
        BearerJwtIss = "bearer.jwt.iss",
        /// Claim `aud`, a list.
        BearerJwtAud = "bearer.jwt.aud",
        /// Claim `exp`, seconds since the epoch.
        BearerJwtExp = "bearer.jwt.exp",
        /// Claim `nbf`, seconds since the epoch.
        BearerJwtNbf = "bearer.jwt.nbf",
        /// Claim `iat`, seconds since the epoch.
        BearerJwtIat = "bearer.jwt.iat",
        /// A token in the query string (RFC 6750, 2.3).
        TokenInQuery = "token_in_query",
        /// `Mcp-Session-Id` of the request.
        SessionId = "session_id",
        /// `Mcp-Session-Id` of the response.
        ResponseSessionId = "response_session_id",
        /// `MCP-Protocol-Version` of the request.
        VersionHeader = "version_header",
        /// `Mcp-Method` of the request.
        McpMethodHeader = "mcp_method_header",
        /// `Mcp-Name` of the request.
        McpNameHeader = "mcp_name_header",
        /// `Last-Event-ID` of the request.
        LastEventId = "last_event_id",
        /// `WWW-Authenticate` of the response.
        Challenge = "challenge.present",
        /// Schemes of the challenge, lower case.
        ChallengeSchemes = "challenge.schemes",
        /// `error` of the Bearer or DPoP challenge (RFC 6750, 3.1).
        ChallengeError = "challenge.error",
        /// `scope` of the Bearer challenge, a list.
        ChallengeScope = "challenge.scope",
        /// `resource_metadata` of the challenge (RFC 9728, 5.1).
        ChallengeResourceMetadata = "challenge.resource_metadata",
        /// Name of a header that carries the challenge in the place of `WWW-Authenticate`.
        ChallengeRenamedTo = "challenge.renamed_to",
        /// Derived: what the refusal says is wrong: `missing`, `invalid`, `insufficient`, `session`, `version`,
        /// `origin`, `nonce`, `none`.
        RefusalReadsAs = "refusal_reads_as",
        /// Derived: whether the challenge to a token is, word for word, one that a request without a token got before.
        RefusedLikeNoToken = "refused_like_no_token",
        /// `Date` of the response (RFC 9110, 6.6.1), seconds since the epoch: the clock of who answered.
        ServerDate = "server_date",
        /// Marks of an edge or gateway in the response: header names, lower case.
        EdgeMarks = "edge_marks",
        /// What in the response shows that it came through somebody between: the edge marks, and `server` where that header
        /// names software that stands before other servers.
        HopMarks = "hop_marks",
        /// Derived: whether the server has refused the token that it accepted last, before the time of that token was over:
        /// it forgot it, or somebody revoked it. False where that is not shown.
        AcceptedTokenForgotten = "accepted_token_forgotten",
        /// Derived: `http+sse`, `streamable`, `modern`.
        Era = "era",
        /// Derived: form of the URL of a metadata request.
        Form = "form",
        /// Derived: place among the probes for the same thing, among the messages of a body or stream, or among the events
        /// of a stream; from 1.
        Position = "position",
        /// `resource` of the document.
        DocumentResource = "document.resource",
        /// `authorization_servers` of the document.
        DocumentAuthorizationServers = "document.authorization_servers",
        /// `scopes_supported` of the document.
        DocumentScopesSupported = "document.scopes_supported",
        /// `bearer_methods_supported` of the document.
        DocumentBearerMethodsSupported = "document.bearer_methods_supported",
        /// Of a metadata request: `oauth` or `oidc`. Of a message: `request`, `notification`, `result`, `error`, `other`.
        Sort = "kind",
        /// Derived: the issuer whose metadata was asked for.
        ExpectedIssuer = "expected_issuer",
        /// `issuer` of the document.
        DocumentIssuer = "document.issuer",
        /// `authorization_endpoint` of the document.
        DocumentAuthorizationEndpoint = "document.authorization_endpoint",
        /// `token_endpoint` of the document.
        DocumentTokenEndpoint = "document.token_endpoint",
        /// `registration_endpoint` of the document.
        DocumentRegistrationEndpoint = "document.registration_endpoint",
        /// `code_challenge_methods_supported` of the document.
        DocumentCodeChallengeMethodsSupported = "document.code_challenge_methods_supported",
        /// `grant_types_supported` of the document.
        DocumentGrantTypesSupported = "document.grant_types_supported",
        /// `token_endpoint_auth_methods_supported` of the document.
        DocumentTokenEndpointAuthMethodsSupported = "document.token_endpoint_auth_methods_supported",
        /// `authorization_response_iss_parameter_supported` of the document.
        DocumentIssParameterSupported = "document.authorization_response_iss_parameter_supported",
        /// `client_id_metadata_document_supported` of the document.
        DocumentClientIdMetadataDocumentSupported = "document.client_id_metadata_document_supported",
        /// `response_types_supported` of the document.
        DocumentResponseTypesSupported = "document.response_types_supported",
        /// Names of members of the document that are empty lists.
        DocumentEmptyMembers = "document.empty_members",
        /// `client_name` of a client ID metadata document.
        DocumentClientName = "document.client_name",
        /// `client_id` of a client ID metadata document.
        DocumentClientId = "document.client_id",
        /// `redirect_uris` of a client ID metadata document.
        DocumentRedirectUris = "document.redirect_uris",
        /// Issuer of the authorization server asked.
        Issuer = "issuer",
        /// URL of the endpoint asked, without query.
        Endpoint = "endpoint",
        /// Derived: the endpoint for this step in the server metadata that the client had read, without query: the
        /// one asked where a document names it, else that of the only issuer read. Absent where no probe gave one.
        AnnouncedEndpoint = "announced_endpoint",
        /// Derived: names of parameters in the query of the endpoint as announced that the request lacks or changes.
        DroppedParameters = "dropped_parameters",
        /// Derived: `/authorize` at the origin of the MCP endpoint (MCP 2025-03-26, default endpoints).
        DefaultEndpoint = "default_endpoint",
        /// Derived: how many requests for server metadata went before; for `mcp_exchange` those for the resource's count too.
        MetadataProbes = "metadata_probes",
        /// Derived: whether the resource metadata names an authorization server of the origin of this endpoint, or of
        /// the document that names it.
        IssuerNamed = "issuer_named",
        /// `redirect_uris` of the request.
        RedirectUris = "redirect_uris",
        /// Derived: what the redirect URIs are, a list: `loopback`, `https`, `http`, `private-use`, `other`.
        RedirectUriKinds = "redirect_uri_kinds",
        /// Derived: how many redirect URIs are registered: those of the answer, else those of the request.
        RedirectUriCount = "redirect_uri_count",
        /// Derived: earlier registration requests with the same redirect URIs, grant types, scope, application type
        /// and authentication method that were refused.
        EarlierRefusals = "earlier_refusals",
        /// Derived: whether an earlier authorization request of the client that named it by a URL was answered with a
        /// code.
        UrlClientIdWorked = "url_client_id_worked",
        /// `grant_types` of the request.
        GrantTypes = "grant_types",
        /// `application_type` of the request.
        ApplicationType = "application_type",
        /// `token_endpoint_auth_method` of the request.
        AuthMethod = "auth_method",
        /// `client_id` of the registration response.
        ResponseClientId = "response.client_id",
        /// `client_secret` of the registration response.
        ResponseClientSecret = "response.client_secret",
        /// `client_secret_expires_at` of the registration response.
        ResponseClientSecretExpiresAt = "response.client_secret_expires_at",
        /// `redirect_uris` of the registration response.
        ResponseRedirectUris = "response.redirect_uris",
        /// `token_endpoint_auth_method` of the registration response.
        ResponseAuthMethod = "response.auth_method",
        /// `error` of the registration response.
        ResponseError = "response.error",
        /// `client_id`.
        ClientId = "client_id",
        /// `redirect_uri`.
        RedirectUri = "redirect_uri",
        /// Derived: what the redirect URI is: `loopback`, `https`, `http`, `private-use`, `other`.
        RedirectUriKind = "redirect_uri_kind",
        /// `response_type`.
        ResponseType = "response_type",
        /// `scope`, a list.
        Scope = "scope",
        /// `state`.
        State = "state",
        /// `code_challenge` (RFC 7636, 4.3).
        CodeChallenge = "code_challenge",
        /// `code_challenge_method`; `plain` where the parameter is omitted beside a challenge.
        CodeChallengeMethod = "code_challenge_method",
        /// `resource` (RFC 8707), a list.
        Resource = "resource",
        /// `nonce`.
        Nonce = "nonce",
        /// Names of parameters that are there more than once.
        DuplicateParameters = "duplicate_parameters",
        /// Derived: origin of the page that began the authorization.
        PageOrigin = "page_origin",
        /// Derived: `iss` that came back in the answer to this request.
        IssReceived = "iss_received",
        /// `code`.
        Code = "code",
        /// `iss` (RFC 9207).
        Iss = "iss",
        /// `error`.
        Error = "error",
        /// Whether the redirect that carries the answer was seen.
        RedirectSeen = "redirect_seen",
        /// Status of the redirect that carries the answer.
        RedirectStatus = "redirect_status",
        /// Method of the request that the redirect answers.
        RedirectMethod = "redirect_method",
        /// Whether the request to the client's callback was seen.
        CallbackSeen = "callback_seen",
        /// Status of the callback request.
        CallbackStatus = "callback_status",
        /// Origin of the callback URL.
        CallbackOrigin = "callback_origin",
        /// `grant_type`.
        GrantType = "grant_type",
        /// `code_verifier` (RFC 7636, 4.5).
        CodeVerifier = "code_verifier",
        /// Derived: how the client authenticated: `none`, `client_secret_basic`, `client_secret_post`,
        /// `client_secret_jwt`, `private_key_jwt`, `several`.
        ClientAuth = "client_auth",
        /// `client_secret` of the request, in its body or its header.
        ClientSecret = "client_secret",
        /// Derived: whether method and secret of the request are those of the registration.
        AuthenticatesAsRegistered = "authenticates_as_registered",
        /// `refresh_token`.
        RefreshToken = "refresh_token",
        /// `access_token`.
        AccessToken = "access_token",
        /// Claim `iss`.
        AccessTokenJwtIss = "access_token.jwt.iss",
        /// Claim `aud`, a list.
        AccessTokenJwtAud = "access_token.jwt.aud",
        /// Claim `exp`, seconds since the epoch.
        AccessTokenJwtExp = "access_token.jwt.exp",
        /// `token_type`, lower case.
        TokenType = "token_type",
        /// `expires_in`, seconds.
        ExpiresIn = "expires_in",
        /// `id_token`.
        IdToken = "id_token",
        /// Derived: the scope granted; the requested one where the answer omits it (RFC 6749, 5.1).
        GrantedScope = "granted_scope",
        /// Derived: whether the answer holds another refresh token than the request.
        Rotated = "rotated",
        /// Directives of `Cache-Control` of the response, a list, lower case.
        CacheControl = "cache_control",
        /// Derived: changes of the verdict, accepted to refused and back, with id and token constant.
        VerdictChanges = "verdict_changes",
        /// Derived: accepted requests with this id after initialize and before the first refusal.
        AcceptedUses = "accepted_uses",
        /// Derived: instance marks of the answers differ.
        InstanceMarksDiffer = "instance_marks_differ",
        /// Derived: whether the client could read the session id: true outside browsers and for pages of the server's
        /// own origin; else whether the answer that gave it exposed it (Fetch, 3.3.3).
        IdReadable = "id_readable",
        /// Protocol version of the session.
        Version = "version",
        /// Status of the answer that opened the session.
        OpenedByStatus = "opened_by_status",
        /// Status of the first use.
        FirstStatus = "first_status",
        /// Derived: what is looked for: `resource` or `issuer`.
        Target = "target",
        /// Derived: whether its identifier has a path.
        HasPath = "has_path",
        /// Derived: forms of the URLs asked, each once, in order, up to the first success: `oauth:path-inserted`, `oidc:appended`,
        /// `advertised`, `root`, ...
        Forms = "forms",
        /// Derived: form of the first that gave a usable document, as in `forms`; absent where none did.
        FoundAt = "found_at",
        /// Derived: how many requests were made for it.
        Count = "count",
        /// Derived: whether one of them gave a usable document.
        Succeeded = "succeeded",
        /// Derived: scope that the refusal asks for, a list.
        ChallengedScope = "challenged_scope",
        /// Derived: scope of the token that was refused, a list: the granted one, else the claim `scope`.
        HeldScope = "held_scope",
        /// Derived: scope that the client then asked for, a list.
        RequestedScope = "requested_scope",
        /// Derived: scope of the authorization request before the refusal, a list.
        EarlierScope = "earlier_scope",
        /// Derived: what the client did about it: `authorize`, `refresh`, `repeat`, `none`.
        StepUpAnswer = "answer",
        /// Derived: refusals of this operation for want of scope, this one included.
        Attempts = "attempts",
        /// Derived: JWK thumbprint of the key of the DPoP proof (RFC 9449, 6.1).
        DpopJkt = "dpop_proof.jkt",
        /// `nonce` of the DPoP proof (RFC 9449, 4.2).
        DpopNonce = "dpop_proof.nonce",
        /// `jti` of the DPoP proof.
        DpopJti = "dpop_proof.jti",
        /// `DPoP-Nonce` of the response (RFC 9449, 8).
        ResponseDpopNonce = "dpop_nonce",
        /// Claim `cnf.jkt`: the key that the token is bound to.
        BearerJwtCnf = "bearer.jwt.cnf",
        /// Claim `scope`, a list.
        BearerJwtScope = "bearer.jwt.scope",
        /// Header `kid`.
        BearerJwtKid = "bearer.jwt.kid",
        /// Whether the signature is as long as those of its algorithm are (RFC 7518, 3.1; RFC 8037, 3.1): a token that was cut
        /// or damaged has a shorter one. Unknown for other algorithms.
        BearerJwtSignatureFits = "bearer.jwt.signature_fits",
        /// Derived: whether a key of the issuer's key set verifies it (RFC 7515, 5.2). Unknown where none can be asked.
        BearerJwtVerified = "bearer.jwt.verified",
        /// `kid` of the keys in the set, a list.
        KeyIds = "key_ids",
        /// The token that is asked about or revoked.
        Token = "token",
        /// `active` of an introspection response (RFC 7662, 2.2).
        Active = "active",
        /// `aud` of an introspection response, a list.
        ResponseAud = "response.aud",
        /// `scope` of an introspection response, a list.
        ResponseScope = "response.scope",
        /// `device_code` (RFC 8628, 3.2).
        DeviceCode = "device_code",
        /// `user_code` (RFC 8628, 3.2).
        UserCode = "user_code",
        /// Derived: whether the token's lifetime was over when it was sent. Absent where the token tells no time.
        TokenExpired = "token_expired",
        /// Media type of the request body, lower case, without parameters.
        MediaType = "media_type",
        /// Derived: names of parameters in the query that are a credential or a proof: `code`, `code_verifier`,
        /// `client_secret`, `refresh_token`, `assertion`, `client_assertion`, `subject_token`.
        CredentialsInQuery = "credentials_in_query",
        /// Derived: the scope granted when the grant began, a list.
        OriginalScope = "original_scope",
        /// Derived: `code` that came back for the login whose challenge the verifier fits, where it is the one redeemed, or
        /// that one is a changed form of it or came back for another login.
        CodeReceived = "code_received",
        /// Claim `scope`, a list.
        AccessTokenJwtScope = "access_token.jwt.scope",
        /// Derived: the name of the authorization server under which the client looked up the endpoint that issued this
        /// token.
        TokenIssuer = "token_issuer",
        /// Derived: whether an audience of the token has the origin of the announced resource. Absent where no audience
        /// is an http or https URL.
        AudienceSameOrigin = "bearer.jwt.aud_same_origin",
        /// Names of parameters that one challenge has more than once, lower case.
        ChallengeRepeated = "challenge.repeated",
        /// What stands in `WWW-Authenticate` and is no part of a challenge (RFC 9110, 11.6.1).
        ChallengeStray = "challenge.stray",
        /// Derived: whether the request went over http to a host that is neither a loopback address nor a name kept for
        /// local use and tests (RFC 6761; RFC 6762, 3). Unknown where a proxy says that it forwarded the request.
        PlainHttp = "plain_http",
        /// Derived: endpoint members of the document with an http URL on such a host.
        DocumentPlainEndpoints = "document.plain_endpoints",
        /// Derived: whether the callback answers with a redirect to another origin that stands in its own parameters.
        /// Absent where it does not redirect.
        ForwardsByParameter = "forwards_by_parameter",
        /// Claim `iss` of `assertion`.
        AssertionIss = "assertion.iss",
        /// Claim `sub` of `assertion`.
        AssertionSub = "assertion.sub",
        /// Claim `aud` of `assertion`, a list.
        AssertionAud = "assertion.aud",
        /// Claim `exp` of `assertion`, seconds since the epoch.
        AssertionExp = "assertion.exp",
        /// Claim `resource` of `assertion`, a list.
        AssertionResource = "assertion.resource",
        /// Claim `jti` of `assertion`.
        AssertionJti = "assertion.jti",
        /// `typ` of the header of `assertion`, lower case.
        AssertionTyp = "assertion.typ",
        /// Claim `iss` of `client_assertion`.
        ClientAssertionIss = "client_assertion.iss",
        /// Claim `sub` of `client_assertion`.
        ClientAssertionSub = "client_assertion.sub",
        /// Claim `aud` of `client_assertion`, a list.
        ClientAssertionAud = "client_assertion.aud",
        /// Claim `exp` of `client_assertion`, seconds since the epoch.
        ClientAssertionExp = "client_assertion.exp",
        /// `audience` (RFC 8693, 2.1), a list.
        Audience = "audience",
        /// `requested_token_type` (RFC 8693, 2.1).
        RequestedTokenType = "requested_token_type",
        /// `dpop_signing_alg_values_supported` of the document (RFC 9449, 5.1).
        DocumentDpopAlgorithms = "document.dpop_signing_alg_values_supported",
        /// `dpop_bound_access_tokens` of the request (RFC 9449, 5.2).
        DpopBoundAccessTokens = "dpop_bound_access_tokens",
        /// `htm` of the DPoP proof.
        DpopHtm = "dpop_proof.htm",
        /// `htu` of the DPoP proof.
        DpopHtu = "dpop_proof.htu",
        /// `iat` of the DPoP proof, seconds since the epoch.
        DpopIat = "dpop_proof.iat",
        /// `ath` of the DPoP proof.
        DpopAth = "dpop_proof.ath",
        /// Derived: extensions that the client declares in its capabilities, a list.
        DeclaredExtensions = "declared_extensions",
        /// Derived: whether these recordings show that the client had a token when it sent this: one was issued or used.
        HeldToken = "held_token",
        /// Derived: `jwt` where the token can be read as one, else `opaque`.
        BearerForm = "bearer.form",
        /// Derived: when the token that was issued ends, seconds since the epoch: by its claim, else by its lifetime.
        ExpiresAt = "expires_at",
        /// Derived: whether these recordings show a registration that issued this `client_id` at this issuer.
        ClientIdIssued = "client_id_issued",
        /// Derived: whether the client registered this `redirect_uri`, or one that differs in nothing but the port of a
        /// loopback address (RFC 8252, 7.3). Unknown where the registration is not recorded.
        RedirectUriRegistered = "redirect_uri_registered",
        /// Derived: kinds of the messages in the request body, sorted, each once.
        MessageKinds = "message_kinds",
        /// Derived: kinds of the messages in the answer, sorted, each once.
        AnswerKinds = "answer_kinds",
        /// Length of the array of messages in the request body; of a message, of the array that it stands in. Absent
        /// where there is no array.
        BatchSize = "batch_size",
        /// Length of the response body in octets, codings removed.
        ResponseLength = "response_length",
        /// `charset` of the `Content-Type` of the request, lower case.
        Charset = "charset",
        /// `charset` of the `Content-Type` of the response, lower case.
        ResponseCharset = "response_charset",
        /// `X-Accel-Buffering` of the response.
        AccelBuffering = "accel_buffering",
        /// The URI for POSTs that the stream announces with its first event, resolved (MCP 2024-11-05, HTTP with SSE).
        AnnouncedUri = "announced_uri",
        /// Derived: whether the client had sent a POST to this server before it opened the stream that announces where this
        /// one goes. Absent outside the transport of 2024-11-05.
        PostedBeforeStream = "posted_before_stream",
        /// The last event id of the stream that answers.
        LastSentEventId = "last_sent_event_id",
        /// The last `retry` of the stream that answers, milliseconds.
        StreamRetry = "stream_retry",
        /// Derived: milliseconds from the end of the stream that this resumes.
        ReconnectDelay = "reconnect_delay",
        /// Derived: milliseconds of the `retry` of the stream that this resumes that were not waited for; 0 where they
        /// were. Absent where that stream names none.
        RetryLeft = "retry_left",
        /// Derived: how many messages the answer holds.
        AnswerCount = "answer_count",
        /// Derived: whether an answer at this endpoint shows that the server speaks 2026-07-28: `resultType`,
        /// `supportedVersions`, or an error code of that revision.
        ModernServer = "modern_server",
        /// Derived: whether the next request with the same session id is answered with 404: the session is over.
        SessionGoneNext = "session_gone_next",
        /// Derived: whether the answer is an error that only stateless servers give (MCP 2026-07-28, error codes).
        ModernError = "modern_error",
        /// Derived: the versions that the server at this endpoint names as supported, a list, where all are of the
        /// stateless era. Absent where it names none, or an older one.
        ModernVersions = "modern_versions",
        /// Derived: protocol version of the initialize result that is in force for this request.
        NegotiatedVersion = "negotiated_version",
        /// `jsonrpc` of the message.
        Jsonrpc = "jsonrpc",
        /// `id` of the message as JSON text: 1 is not "1". `null` where that stands there.
        MessageId = "id",
        /// Derived: JSON type of the id: `string`, `integer`, `number`, `null`, `boolean`, `array`, `object`.
        IdType = "id_type",
        /// Names of the members of the message, in order.
        Members = "members",
        /// Derived: by which way the message went: `post`, `post-stream`, `get-stream`.
        Via = "via",
        /// Derived: kinds of the messages in the same array, sorted, each once. Absent outside arrays.
        BatchKinds = "batch_kinds",
        /// Derived: the capability that the other side must have declared for this method (MCP, capability negotiation).
        NeededCapability = "needed_capability",
        /// `params.protocolVersion`.
        ParamsProtocolVersion = "params.protocol_version",
        /// `params.name`.
        ParamsName = "params.name",
        /// `params.uri`.
        ParamsUri = "params.uri",
        /// Names of the capabilities in `params.capabilities`, a list.
        ParamsCapabilities = "params.capabilities",
        /// `params.clientInfo.name`.
        ParamsClientInfo = "params.client_info",
        /// `params.requestId` of a cancellation, as JSON text.
        ParamsRequestId = "params.request_id",
        /// `params.progressToken`, as JSON text.
        ParamsProgressToken = "params.progress_token",
        /// `params.requestState` (MCP 2026-07-28, multi round-trip requests).
        ParamsRequestState = "params.request_state",
        /// Names in `params.inputResponses`, a list.
        ParamsInputResponses = "params.input_responses",
        /// Derived: methods of the notifications that `params.notifications` asks for, a list.
        ParamsNotifications = "params.notifications",
        /// Names of the members of `params`, in order.
        ParamsMembers = "params.members",
        /// Keys of `_meta`, in order.
        MetaKeys = "meta.keys",
        /// `io.modelcontextprotocol/protocolVersion` of `_meta`.
        MetaProtocolVersion = "meta.protocol_version",
        /// Name in `io.modelcontextprotocol/clientInfo` of `_meta`.
        MetaClientInfo = "meta.client_info",
        /// Names of the capabilities in `io.modelcontextprotocol/clientCapabilities` of `_meta`, a list.
        MetaClientCapabilities = "meta.client_capabilities",
        /// Name in `io.modelcontextprotocol/serverInfo` of `_meta`.
        MetaServerInfo = "meta.server_info",
        /// `io.modelcontextprotocol/logLevel` of `_meta`.
        MetaLogLevel = "meta.log_level",
        /// `io.modelcontextprotocol/subscriptionId` of `_meta`, as JSON text.
        MetaSubscriptionId = "meta.subscription_id",
        /// `progressToken` of `_meta`, as JSON text.
        MetaProgressToken = "meta.progress_token",
        /// `traceparent` of `_meta`.
        MetaTraceparent = "meta.traceparent",
        /// Derived: keys of `_meta` that are no names of keys (MCP, `_meta`, key name format).
        MetaMalformedKeys = "meta.malformed_keys",
        /// Derived: those of `traceparent`, `tracestate` and `baggage` in `_meta` whose value has not the format of W3C
        /// Trace Context or W3C Baggage.
        MetaMalformedTrace = "meta.malformed_trace",
        /// Derived: identifiers among the declared extensions that are no names of keys or have no prefix (MCP
        /// 2026-07-28, extension negotiation).
        MalformedExtensions = "malformed_extensions",
        /// `resultType` of the result.
        ResultType = "result.type",
        /// `protocolVersion` of the result.
        ResultProtocolVersion = "result.protocol_version",
        /// `supportedVersions` of the result, a list.
        ResultSupportedVersions = "result.supported_versions",
        /// Names of the capabilities in the result, a list.
        ResultCapabilities = "result.capabilities",
        /// `serverInfo.name` of the result.
        ResultServerInfo = "result.server_info",
        /// Names of the members of the result, in order.
        ResultMembers = "result.members",
        /// `requestState` of the result.
        ResultRequestState = "result.request_state",
        /// Methods in `inputRequests` of the result, sorted, each once.
        ResultInputMethods = "result.input_methods",
        /// Derived: capabilities that the client must have declared for these.
        ResultInputCapabilities = "result.input_capabilities",
        /// `cacheScope` of the result.
        ResultCacheScope = "result.cache_scope",
        /// Derived: `tool.name` of each `x-mcp-header` of a tool list that cannot become a header.
        ResultUnusableHeaders = "result.unusable_headers",
        /// `error.code`; unread where it is no whole number.
        ErrorCode = "error.code",
        /// Derived: JSON type of `error.code`, in the words of `id_type`.
        ErrorCodeType = "error.code_type",
        /// Names of the members of the error, in order.
        ErrorMembers = "error.members",
        /// `error.data.supported`, a list.
        ErrorSupported = "error.supported",
        /// Derived: revisions that the message or the data of the error names, a list.
        ErrorNamedVersions = "error.named_versions",
        /// Derived: the one `Mcp-Param-*` header that the error names, lower case. Absent where it names none or several.
        ErrorNamedHeader = "error.named_header",
        /// `error.data.requested`.
        ErrorRequested = "error.requested",
        /// Names in `error.data.requiredCapabilities`, a list.
        ErrorRequiredCapabilities = "error.required_capabilities",
        /// `Mcp-Name` of the request, decoded.
        NameHeader = "name_header",
        /// Derived: what `Mcp-Name` has to say: `params.name` or `params.uri`. Absent for methods without it.
        ExpectedName = "expected_name",
        /// `Mcp-Param-*` headers of the request, decoded: `name=value`, names in lower case.
        ParamHeaders = "param_headers",
        /// Derived: what `Mcp-Param-*` headers have to say by the annotations of the tool. Absent where the tool has none.
        ExpectedParamHeaders = "expected_param_headers",
        /// Derived: names of the `Mcp-Param-*` headers of the tool for which the call gives no value or null, lower case.
        HeadersWithoutValue = "headers_without_value",
        /// Derived: how many requests for the list of tools the client had sent before.
        EarlierToolLists = "earlier_tool_lists",
        /// Derived: names of `Mcp-Name` and `Mcp-Param-*` headers that are neither plain ASCII nor rightly encoded.
        UnsafeHeaders = "unsafe_headers",
        /// `id` of the event.
        EventId = "event_id",
        /// `retry` of the event, milliseconds.
        Retry = "retry",
        /// `event` of the event; `message` where it names none (HTML, 9.2.6).
        EventName = "name",
        /// Derived: whether the event has no octet of data.
        DataEmpty = "data_empty",
        /// Derived: requests of the era that does not work here, or asking which works, after the other was seen to work.
        ProbesWhileWorking = "probes_while_working",
        /// Derived: how often the era changed between accepted requests.
        EraChanges = "era_changes",
    }
}
