//! Which record has which fields and bindings.

use super::schema::{Binding as B, Field as F, Kind as K};

/// The fields that every record of an exchange has.
const EXCHANGE: &[F] = &[
    F::SentAt,
    F::AnsweredAt,
    F::Status,
    F::Url,
    F::Origin,
    F::CrossOrigin,
    F::AllowOrigin,
    F::ExposedHeaders,
    F::ResponseContentType,
    F::EdgeMarks,
];

/// One kind of record.
struct Row {
    kind: K,
    fields: &'static [F],
    bindings: &'static [(B, K)],
}

/// A row for each kind whose records are built.
const TABLE: &[Row] = &[
    Row {
        kind: K::McpExchange,
        fields: &[
            F::Method,
            F::JsonrpcMethod,
            F::Accept,
            F::ContentType,
            F::AuthScheme,
            F::Bearer,
            F::BearerKind,
            F::BearerJwtIss,
            F::BearerJwtAud,
            F::BearerJwtExp,
            F::BearerJwtNbf,
            F::BearerJwtIat,
            F::TokenInQuery,
            F::SessionId,
            F::ResponseSessionId,
            F::VersionHeader,
            F::McpMethodHeader,
            F::McpNameHeader,
            F::LastEventId,
            F::Challenge,
            F::ChallengeSchemes,
            F::ChallengeError,
            F::ChallengeScope,
            F::ChallengeResourceMetadata,
            F::ChallengeRenamedTo,
            F::RefusalReadsAs,
            F::ServerDate,
            F::Era,
            F::BearerJwtCnf,
            F::BearerJwtScope,
            F::BearerJwtKid,
            F::BearerJwtVerified,
            F::TokenExpired,
            F::BearerForm,
            F::HeldToken,
            F::DpopJkt,
            F::DpopNonce,
            F::DpopJti,
            F::ResponseDpopNonce,
        ],
        bindings: &[
            (B::Previous, K::McpExchange),
            (B::Next, K::McpExchange),
            (B::Retry, K::McpExchange),
            (B::RedirectSource, K::McpExchange),
            (B::RedirectTarget, K::McpExchange),
            (B::EarlierAccepted, K::McpExchange),
            (B::NewestTokenResponse, K::TokenResponse),
            (B::IssuingTokenResponse, K::TokenResponse),
            (B::ResourceMetadata, K::ResourceMetadataRequest),
            (B::Session, K::Session),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::NextRefreshRequest, K::TokenRequest),
            (B::TriggeringRefusal, K::McpExchange),
            (B::Preflight, K::Preflight),
            (B::SeenUpstream, K::McpExchange),
            (B::NextResourceMetadataRequest, K::ResourceMetadataRequest),
        ],
    },
    Row {
        kind: K::ResourceMetadataRequest,
        fields: &[
            F::Form,
            F::Position,
            F::DocumentResource,
            F::DocumentAuthorizationServers,
            F::DocumentScopesSupported,
            F::DocumentBearerMethodsSupported,
        ],
        bindings: &[
            (B::Challenge, K::McpExchange),
            (B::McpExchange, K::McpExchange),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::Preflight, K::Preflight),
        ],
    },
    Row {
        kind: K::AsMetadataRequest,
        fields: &[
            F::MetadataKind,
            F::Form,
            F::Position,
            F::ExpectedIssuer,
            F::DocumentIssuer,
            F::DocumentAuthorizationEndpoint,
            F::DocumentTokenEndpoint,
            F::DocumentRegistrationEndpoint,
            F::DocumentCodeChallengeMethodsSupported,
            F::DocumentScopesSupported,
            F::DocumentGrantTypesSupported,
            F::DocumentTokenEndpointAuthMethodsSupported,
            F::DocumentIssParameterSupported,
            F::DocumentClientIdMetadataDocumentSupported,
        ],
        bindings: &[
            (B::ResourceMetadata, K::ResourceMetadataRequest),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::Preflight, K::Preflight),
        ],
    },
    Row {
        kind: K::RegistrationRequest,
        fields: &[
            F::Issuer,
            F::RedirectUris,
            F::GrantTypes,
            F::Scope,
            F::ApplicationType,
            F::AuthMethod,
            F::ResponseClientId,
            F::ResponseClientSecret,
            F::ResponseClientSecretExpiresAt,
            F::ResponseRedirectUris,
            F::ResponseAuthMethod,
            F::ResponseError,
        ],
        bindings: &[
            (B::AsMetadata, K::AsMetadataRequest),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::Preflight, K::Preflight),
        ],
    },
    Row {
        kind: K::ClientMetadataFetch,
        fields: &[F::DocumentClientId, F::DocumentRedirectUris],
        bindings: &[(B::AuthorizationRequest, K::AuthorizationRequest)],
    },
    Row {
        kind: K::AuthorizationRequest,
        fields: &[
            F::Issuer,
            F::Endpoint,
            F::ClientId,
            F::RedirectUri,
            F::ResponseType,
            F::Scope,
            F::State,
            F::CodeChallenge,
            F::CodeChallengeMethod,
            F::Resource,
            F::Nonce,
            F::DuplicateParameters,
            F::PageOrigin,
            F::IssReceived,
            F::Error,
            F::ClientIdIssued,
            F::RedirectUriRegistered,
        ],
        bindings: &[
            (B::AsMetadata, K::AsMetadataRequest),
            (B::ResourceMetadata, K::ResourceMetadataRequest),
            (B::Registration, K::RegistrationRequest),
            (B::AuthorizationResponse, K::AuthorizationResponse),
            (B::Previous, K::AuthorizationRequest),
            (B::TriggeringRefusal, K::McpExchange),
        ],
    },
    Row {
        kind: K::AuthorizationResponse,
        fields: &[
            F::Code,
            F::State,
            F::Iss,
            F::Error,
            F::RedirectSeen,
            F::CallbackSeen,
            F::CallbackStatus,
            F::CallbackOrigin,
        ],
        bindings: &[
            (B::AuthorizationRequest, K::AuthorizationRequest),
            (B::TokenRequest, K::TokenRequest),
            (B::EarlierDelivery, K::AuthorizationResponse),
            (B::ParallelAttempt, K::AuthorizationRequest),
        ],
    },
    Row {
        kind: K::TokenRequest,
        fields: &[
            F::Issuer,
            F::Endpoint,
            F::GrantType,
            F::Code,
            F::CodeVerifier,
            F::RedirectUri,
            F::ClientId,
            F::ClientAuth,
            F::Resource,
            F::Scope,
            F::RefreshToken,
            F::ClientIdIssued,
            F::DeviceCode,
            F::DpopJkt,
            F::DpopNonce,
            F::DpopJti,
        ],
        bindings: &[
            (B::AuthorizationRequest, K::AuthorizationRequest),
            (B::VerifierOwner, K::AuthorizationRequest),
            (B::EarlierUse, K::TokenRequest),
            (B::GrantedUse, K::TokenRequest),
            (B::OverlappingUse, K::TokenRequest),
            (B::UseAfterRotation, K::TokenRequest),
            (B::Registration, K::RegistrationRequest),
            (B::AsMetadata, K::AsMetadataRequest),
            (B::ResourceMetadata, K::ResourceMetadataRequest),
            (B::GrantRoot, K::TokenRequest),
            (B::TokenResponse, K::TokenResponse),
            (B::Preflight, K::Preflight),
        ],
    },
    Row {
        kind: K::TokenResponse,
        fields: &[
            F::AccessToken,
            F::AccessTokenJwtIss,
            F::AccessTokenJwtAud,
            F::AccessTokenJwtExp,
            F::TokenType,
            F::ExpiresIn,
            F::ExpiresAt,
            F::RefreshToken,
            F::Rotated,
            F::IdToken,
            F::Scope,
            F::GrantedScope,
            F::Error,
            F::CacheControl,
            F::ResponseDpopNonce,
        ],
        bindings: &[
            (B::TokenRequest, K::TokenRequest),
            (B::FirstUse, K::McpExchange),
            (B::NextMcpExchange, K::McpExchange),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::NextRefreshRequest, K::TokenRequest),
        ],
    },
    Row { kind: K::Preflight, fields: &[F::RequestedHeaders, F::AllowHeaders], bindings: &[] },
    Row {
        kind: K::Session,
        fields: &[
            F::SessionId,
            F::IdReadable,
            F::Version,
            F::OpenedByStatus,
            F::VerdictChanges,
            F::AcceptedUses,
            F::InstanceMarksDiffer,
        ],
        bindings: &[
            (B::Initialize, K::McpExchange),
            (B::FirstRefusal, K::McpExchange),
            (B::NextInitialize, K::McpExchange),
        ],
    },
    Row {
        kind: K::DeviceAuthorizationRequest,
        fields: &[F::Issuer, F::ClientId, F::Scope, F::Resource, F::DeviceCode, F::UserCode, F::Error],
        bindings: &[(B::TokenRequest, K::TokenRequest)],
    },
    Row {
        kind: K::IntrospectionRequest,
        fields: &[F::Issuer, F::Token, F::Active, F::ResponseAud, F::ResponseScope],
        bindings: &[(B::FirstUse, K::McpExchange)],
    },
    Row { kind: K::RevocationRequest, fields: &[F::Issuer, F::Token], bindings: &[(B::NextUse, K::McpExchange)] },
    Row { kind: K::KeySetRequest, fields: &[F::KeyIds], bindings: &[] },
    Row {
        kind: K::TokenUse,
        fields: &[F::Bearer, F::Method, F::VerdictChanges, F::FirstStatus, F::BearerJwtExp],
        bindings: &[(B::IssuingTokenResponse, K::TokenResponse)],
    },
    Row {
        kind: K::Discovery,
        fields: &[F::Target, F::HasPath, F::Forms, F::Count, F::Succeeded],
        bindings: &[(B::Challenge, K::McpExchange), (B::NextAuthorizationRequest, K::AuthorizationRequest)],
    },
    Row {
        kind: K::StepUp,
        fields: &[
            F::ChallengedScope,
            F::HeldScope,
            F::RequestedScope,
            F::GrantedScope,
            F::EarlierScope,
            F::StepUpAnswer,
            F::Attempts,
        ],
        bindings: &[
            (B::Refusal, K::McpExchange),
            (B::Retry, K::McpExchange),
            (B::NextAuthorizationRequest, K::AuthorizationRequest),
            (B::NextRefreshRequest, K::TokenRequest),
        ],
    },
];

fn row(kind: K) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.kind == kind)
}

impl K {
    /// The fields of records of this kind.
    pub fn fields(self) -> impl Iterator<Item = F> {
        let common = if self.is_group() { &[][..] } else { EXCHANGE };
        common.iter().chain(row(self).map_or(&[][..], |row| row.fields)).copied()
    }

    /// The bindings of records of this kind and the kind each leads to.
    pub fn bindings(self) -> impl Iterator<Item = (B, K)> {
        row(self).map_or(&[][..], |row| row.bindings).iter().copied()
    }

    /// Whether a record of this kind stands for several exchanges.
    pub fn is_group(self) -> bool {
        matches!(self, K::Session | K::TokenUse | K::Discovery | K::StepUp | K::ServerEra)
    }

    /// Whether records of this kind are built at all.
    pub fn is_built(self) -> bool {
        row(self).is_some()
    }
}
